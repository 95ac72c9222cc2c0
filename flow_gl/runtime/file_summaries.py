"""Summaries of files, cached between runs, so that choosing a chart reads no file twice."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

import flow_gl
from flow_gl.feed.files.file_part import FilePart
from flow_gl.services.replay_cache.file_cache import FileCache, identity

_PACKAGES: Final = ("core", "dbn", "engine", "feed", "runtime", "services", "store")
_CALENDAR: Final = "pandas_market_calendars"


def hashed(*words: str) -> str:
    """Hash texts to 32 hexadecimal digits, to be used as a file name."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).hexdigest()


@cache
def program() -> str:
    """Return a hash of everything in the program that numbers depend on: its sources and the calendar's version."""
    try:
        calendar = version(_CALENDAR)
    except PackageNotFoundError:
        calendar = ""
    digest = hashlib.blake2b(f"{flow_gl.__version__}\0{calendar}".encode(), digest_size=16)
    for path in sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sources() -> list[Path]:
    """The modules that numbers depend on, at every depth of their packages."""
    root = Path(flow_gl.__file__).parent
    return [path for package in _PACKAGES for path in sorted((root / package).rglob("*.py"))]


class CachedParts:
    """File summaries in a cache. Implements `feed.files.file_part.PartCache`."""

    def __init__(self, cache: FileCache) -> None:
        self._cache: Final = cache
        self._names: Final[dict[Path, str]] = {}
        self._decoder: Final = msgspec.json.Decoder(FilePart)

    def get(self, path: Path) -> FilePart | None:
        """Return the stored summary of a file's present content; None if there is none."""
        name = _name(path)
        if name is None:
            return None
        self._names[path] = name
        digest, _, text = (self._cache.get(path, name) or b"").partition(b"\n")
        if digest != _digest(text):
            return None
        try:
            return self._decoder.decode(text)
        except msgspec.MsgspecError:
            return None

    def keep(self, path: Path, part: FilePart) -> None:
        """Store a file's summary, unless the file has changed in the meantime."""
        name = _name(path)
        if name is not None and name == self._names.get(path):
            text = msgspec.json.encode(part)
            self._cache.put(path, name, _digest(text) + b"\n" + text)


def _name(path: Path) -> str | None:
    try:
        return f"{hashed(program(), identity(path))}.summary"
    except OSError:
        return None


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode()

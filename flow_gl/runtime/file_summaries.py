"""What single files hold, kept from one run to the next, so that choosing a chart reads no trade twice."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

import flow_gl
from flow_gl.feed.files.file_part import FilePart
from flow_gl.services.replay_cache.shelf import Shelf, identity

_PACKAGES: Final = ("core", "engine", "feed", "runtime", "services", "store")
_CALENDAR: Final = "pandas_market_calendars"


def hashed(*words: str) -> str:
    """A name for what these words say, 32 hexadecimal digits."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).hexdigest()


@cache
def program() -> str:
    """What tells this program's numbers from another version's: its sources and its calendar's version."""
    try:
        calendar = version(_CALENDAR)
    except PackageNotFoundError:
        calendar = ""
    digest = hashlib.blake2b(f"{flow_gl.__version__}\0{calendar}".encode(), digest_size=16)
    root = Path(flow_gl.__file__).parent
    for package in _PACKAGES:
        for path in sorted((root / package).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


class PartShelf:
    """Parts on a shelf. Implements `feed.files.file_part.PartCache`."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf: Final = shelf
        self._names: Final[dict[Path, str]] = {}
        self._decoder: Final = msgspec.json.Decoder(FilePart)

    def get(self, path: Path) -> FilePart | None:
        """What is known of a file as it is now."""
        name = _name(path)
        if name is None:
            return None
        self._names[path] = name
        digest, _, text = (self._shelf.get(path, name) or b"").partition(b"\n")
        if digest != _digest(text):
            return None
        try:
            return self._decoder.decode(text)
        except msgspec.MsgspecError:
            return None

    def keep(self, path: Path, part: FilePart) -> None:
        """Keep what was read of a file, unless it has changed meanwhile."""
        name = _name(path)
        if name is not None and name == self._names.get(path):
            text = msgspec.json.encode(part)
            self._shelf.put(path, name, _digest(text) + b"\n" + text)


def _name(path: Path) -> str | None:
    try:
        return f"{hashed(program(), identity(path))}.summary"
    except OSError:
        return None


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode()

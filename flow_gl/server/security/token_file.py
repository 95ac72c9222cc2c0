"""The file of access tokens: its format, its permissions, and changes to it.

The file holds the SHA-256 of each token, never a token. A slow, salted hash such as scrypt protects passwords, because
they can be guessed. A token is 256 random bits and cannot be recovered from a plain hash, and a fast hash keeps the
cost of a flood of wrong tokens low.

The file is replaced atomically, under a lock on a second file. It is created so that only its owner can ever read it.
"""

import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec

from flow_gl.core.errors import DataError, FlowError, UsageError, lacking
from flow_gl.core.outside import plain
from flow_gl.core.system.folders import config_dir
from flow_gl.core.system.locked import locked

Scope = Literal["read", "control", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
PREFIX: Final = "flowgltoken_"
"""Prefix of every token, so that logs can mask it and secret scanners can find it."""
HINT_CHARS: Final = 5
"""Number of a token's last characters that are stored to recognise it: `****abcde`."""
MAX_TOKENS: Final = 1_000
_VERSION: Final = 1
_RANDOM_BYTES: Final = 32
_MAX_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class TokenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One token as it is stored."""

    name: Annotated[str, msgspec.Meta(pattern=f"^{_NAME.pattern}$")]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the token, in hexadecimal."""
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=len(SCOPES))]
    created_ns: int
    """Wall time, ns since the epoch."""
    expires_ns: int = 0
    """Wall time, ns since the epoch; 0 if it does not expire."""
    hint: Annotated[str, msgspec.Meta(max_length=HINT_CHARS)] = ""
    """The token's last characters."""

    def is_expired(self, wall_ns: int) -> bool:
        return 0 < self.expires_ns <= wall_ns


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    tokens: Annotated[tuple[TokenEntry, ...], msgspec.Meta(max_length=MAX_TOKENS)]


_decoder: Final = msgspec.json.Decoder(_Stored)


def default_path() -> Path:
    """Return the file's default path, in the user's config folder."""
    return config_dir() / "tokens.json"


def digest(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> tuple[TokenEntry, ...]:
    """Return the stored tokens, in the order of their creation.

    Raises
    ------
    DataError : the file is missing, damaged or too large
    UsageError : other users can read it, or it belongs to another user
    FlowError : it cannot be read
    """
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; flow-gl token create NAME makes it") from None
    except IsADirectoryError:
        raise DataError(f"{path}: expected a file of tokens, this is a folder") from None
    except OSError as error:
        raise FlowError(f"{path}: the tokens cannot be read: {error.strerror or error}") from None
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES:,} bytes")
        tokens = _decoder.decode(data).tokens
        for what, values in (("name", [one.name for one in tokens]), ("hash", [one.hash for one in tokens])):
            if len(set(values)) < len(values):
                raise ValueError(f"a {what} occurs twice")
    except (msgspec.MsgspecError, ValueError) as error:
        raise DataError(
            f"{path}: the token file is damaged ({plain(str(error), 120)}): restore it, or delete it and create the"
            " tokens again"
        ) from None
    return tokens


def _check_owner(path: Path, info: os.stat_result) -> None:
    if sys.platform == "win32":
        return  # the settings folder is private to its user
    mode = stat.S_IMODE(info.st_mode)
    if mode & _OTHERS:
        raise UsageError(f"{path}: other users can read the tokens (mode {mode:03o}): run chmod 600 {path}")
    if info.st_uid not in (0, os.geteuid()):
        raise UsageError(
            f"{path}: the tokens belong to user {info.st_uid}: the server's user ({os.geteuid()}) must own them"
        )


def create(path: Path, *, name: str, scopes: tuple[Scope, ...], wall_ns: int, expires_ns: int = 0) -> str:
    """Store a new token and return it. It cannot be retrieved later.

    Parameters
    ----------
    path : the token file; created if missing
    name : who or what uses it
    scopes : the scopes that it grants
    wall_ns : now, ns since the epoch
    expires_ns : when it expires, ns since the epoch; 0 for never

    Raises
    ------
    UsageError : the name is not allowed or exists already
    FlowError : as for `read`, or the file cannot be written
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"expected a name of letters, digits and . _ @ -, at most 64, got {plain(name, 80)!r}")
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    entry = TokenEntry(
        name, digest(token), tuple(s for s in SCOPES if s in scopes), wall_ns, expires_ns, token[-HINT_CHARS:]
    )
    with _locked(path):
        tokens = read(path) if path.exists() else ()
        if any(one.name == name for one in tokens):
            raise UsageError(f"there is a token {name} already: revoke it first, or choose another name")
        if len(tokens) >= MAX_TOKENS:
            raise UsageError(f"{path} holds {MAX_TOKENS:,} tokens, the maximum: revoke some first")
        _write(path, (*tokens, entry))
    return token


def revoke(path: Path, name: str) -> None:
    """Remove a token. Raises UsageError if there is none with this name, and otherwise as `create`."""
    with _locked(path):
        tokens = read(path)
        left = tuple(one for one in tokens if one.name != name)
        if len(left) == len(tokens):
            known = ", ".join(one.name for one in tokens[:10]) + (" ..." if len(tokens) > 10 else "")
            raise UsageError(f"there is no token {plain(name, 80)}; known tokens: {known or 'none'}")
        _write(path, left)


def _write(path: Path, tokens: tuple[TokenEntry, ...]) -> None:
    """Replace the file. Raises FlowError."""
    text = msgspec.json.format(msgspec.json.encode(_Stored(_VERSION, tokens)), indent=2) + b"\n"
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        # Private from the start: a file that is created first and protected afterwards can be opened in between.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise FlowError(f"{path}: the tokens cannot be written: {lacking(error) or error}") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock on changes. Raises FlowError."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(path))
        except BlockingIOError:
            raise FlowError(f"{path}: another flow-gl is changing the tokens: try again") from None
        except OSError as error:
            raise FlowError(f"{path}: the tokens cannot be written: {lacking(error) or error}") from None
        yield

"""The messages between the view and the encoder's process: one JSON line each."""

from typing import Final

import msgspec

PIXEL_BYTES: Final = 4
"""A slot holds RGBA pixels, the bottom row first, as OpenGL gives them."""


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Begin a stream of pictures of one size, read from slots in shared memory."""

    segment: str
    width: int
    height: int
    slots: int
    fps: int
    keep_s: float
    """Number of the newest seconds that are kept in memory; 0 for none."""


class Picture(msgspec.Struct, frozen=True, tag=True):
    """A picture is in a slot: the last one is repeated, then this one follows."""

    slot: int
    repeats: int
    cursor: tuple[int, int] | None = None
    """Place of the mouse, px from the top left, to draw it there."""


class Record(msgspec.Struct, frozen=True, tag=True):
    """Write what follows to a file."""

    path: str


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Finish the file."""


class Save(msgspec.Struct, frozen=True, tag=True):
    """Write the seconds that are kept to a file."""

    path: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The encoder works."""

    codec: str


class Free(msgspec.Struct, frozen=True, tag=True):
    """A slot may be filled again."""

    slot: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """A file is complete."""

    path: str
    seconds: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A file cannot be written, or, without a path, nothing can be encoded."""

    text: str
    path: str = ""


ToEncoder = Begin | Picture | Record | Stop | Save
FromEncoder = Ready | Free | Done | Failed

_ENCODER: Final = msgspec.json.Encoder()
to_encoder: Final = msgspec.json.Decoder(ToEncoder)
from_encoder: Final = msgspec.json.Decoder(FromEncoder)


def line(message: ToEncoder | FromEncoder) -> bytes:
    """Return a message as a line."""
    return _ENCODER.encode(message) + b"\n"

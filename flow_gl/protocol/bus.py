"""The bus: how a chart's rows and records are laid out in NATS JetStream. No sockets and no NATS client.

Every chart (dataset and symbol) has three streams, and one publisher at a time, which holds the chart's lease:

- *rows*: final rows, in order: packed frames as rows become final, and a `Chart` message where an epoch begins.
- *state*: the newest value of what changes; one message per subject is kept.
- *history*: the rows again, in large blocks. A `Chapter` says where in *rows* to continue, so that a reader that joins
  late reads hundreds of messages and not hundreds of thousands.

A payload of rows is a list of packed frames (`frames`), each preceded by its length. Their epoch, revision and
sequences are the bus's own: they do not depend on which engine publishes, and another engine that takes over continues
them. Every message expects the sequence of the stream's last one, so a publisher that has lost the lease is refused.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from flow_gl.protocol import frames
from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.frames import Rows
from flow_gl.protocol.kinds import APPENDED, FORMS, PER_LEVEL, Kind
from flow_gl.protocol.messages import Instrument, Status

VERSION: Final = 1
"""Version of this layout. Incremented by every change that older readers would misread."""
ROOT: Final = "flow_gl"
"""First token of every subject, and the beginning of every name."""
LEASES: Final = "flow_gl_leases"
"""The key-value bucket of the leases, one key per chart. It also lists all charts."""

MESSAGE_ID: Final = "Nats-Msg-Id"
EXPECTED_SEQUENCE: Final = "Nats-Expected-Last-Sequence"
"""The stream's last sequence that a publisher knows; a different one means that another publisher has written."""
AFTER: Final = "Flow-Gl-After"
"""Header of *state*: the last sequence in *rows* that was published before. A reader that has not read it yet waits."""

_MIRRORED: Final = [kind for kind, form in FORMS.items() if form.is_mirrored and not form.is_of_record]
ROW_KINDS: Final = tuple(kind for kind in _MIRRORED if kind in APPENDED and kind is not Kind.ORDER)
"""Kinds in *rows* and *history*; those of `PER_LEVEL` have a subject per level."""
STATE_KINDS: Final = tuple(kind for kind in _MIRRORED if kind not in ROW_KINDS)
"""Kinds in *state*, always complete. OPEN holds a frame per level; PROFILE and OPEN_FOOTPRINT are followed by the frame
of their rows; ORDER holds the newest orders, and some may be missing between two messages."""
CHART: Final = "Chart"
CHAPTER: Final = "Chapter"
STATUS: Final = "Status"
"""Last tokens of the subjects of the JSON messages."""
_LENGTH: Final = struct.Struct("<I")
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+")
_ESCAPED: Final = re.compile(r"=([0-9A-F]{2})|-|([A-Za-z0-9]+)")
T = TypeVar("T")


class Log(StrEnum):
    """The three streams of a chart."""

    ROWS = "rows"
    STATE = "state"
    HISTORY = "history"


class Topic(NamedTuple):
    """A chart on the bus.

    Attributes
    ----------
    dataset : like GLBX.MDP3
    symbol : the requested symbol, or the contract if there is none: NQ.v.0
    """

    dataset: str
    symbol: str

    @property
    def key(self) -> str:
        """Key of its lease."""
        return f"{escape(self.dataset)}.{escape(self.symbol)}"

    def stream(self, log: Log) -> str:
        """Name of a stream: `flow_gl_rows_GLBX-MDP3_NQ-v-0`."""
        return f"{ROOT}_{log}_{escape(self.dataset)}_{escape(self.symbol)}"

    def subjects(self, log: Log) -> str:
        """Pattern of all subjects of a stream: `flow_gl.rows.GLBX-MDP3.NQ-v-0.>`."""
        return f"{ROOT}.{log}.{self.key}.>"

    def subject(self, log: Log, last: str) -> str:
        """Subject of `CHART`, `CHAPTER` or `STATUS`: `flow_gl.state.GLBX-MDP3.NQ-v-0.Status`."""
        return f"{ROOT}.{log}.{self.key}.{last}"

    def subject_of(self, log: Log, kind: Kind, level: int = 0) -> str:
        """Subject of rows: `flow_gl.rows.GLBX-MDP3.NQ-v-0.Bubble.0`; kinds without levels end with their name."""
        has_level = kind in PER_LEVEL and log is not Log.STATE
        return self.subject(log, f"{FORMS[kind].name}.{level}" if has_level else FORMS[kind].name)


def escape(name: str) -> str:
    """Write a name as one token of a subject, of a stream's name and of a key. Reversible (`unescape`).

    Letters and digits are unchanged, a full stop becomes a hyphen, any other byte `=` and two hexadecimal digits.
    """
    return "".join(
        part if _PLAIN.fullmatch(part) else "".join("-" if byte == 46 else f"={byte:02X}" for byte in part.encode())
        for part in re.split(r"([A-Za-z0-9]+)", name)
        if part
    )


def unescape(token: str) -> str:
    """Return the name of a token. Raises ProtocolError for a token that `escape` does not produce."""
    data, at = bytearray(), 0
    for match in _ESCAPED.finditer(token):
        if match.start() != at:
            break
        at = match.end()
        code, text = match.groups()
        data += bytes((int(code, 16),)) if code else text.encode() if text else b"."
    try:
        name = data.decode()
    except UnicodeDecodeError:
        at = -1
    if at != len(token) or escape(name) != token:
        raise ProtocolError(f"not a name on the bus: {token!r}")
    return name


def topic_of(key: str) -> Topic:
    """Return the chart of a lease's key. Raises ProtocolError."""
    dataset, dot, symbol = key.partition(".")
    if not dot or not dataset or not symbol:
        raise ProtocolError(f"not a chart's key on the bus: {key!r}")
    return Topic(unescape(dataset), unescape(symbol))


class Chart(msgspec.Struct, frozen=True, kw_only=True, tag="Chart", tag_field="type"):
    """A chart's description, in *rows* where an epoch begins or the description changes, and the newest in *state*."""

    version: int = VERSION
    server: str
    """Name and version of the publishing program."""
    dataset: str
    source: str
    feed: str
    """demo, replay or live."""
    instrument: Instrument
    """Its `epoch` is the bus's."""
    settings: dict[str, Any]
    """The settings that the numbers depend on. Engines with other settings do not continue each other's rows."""
    rows_begin: int
    """Sequence in *rows* of the epoch's first message ..."""
    history_begin: int
    """... and the sequence from which on *history* is of this epoch."""


class Chapter(msgspec.Struct, frozen=True, tag="Chapter", tag_field="type"):
    """*history* up to this message holds every row that *rows* holds before `rows_next`."""

    epoch: int
    rows_next: int


class Lease(msgspec.Struct, frozen=True, kw_only=True, tag="Lease", tag_field="type"):
    """Who publishes a chart. Its revision in the bucket changes with each renewal."""

    holder: str
    """Identifies the publisher: host, process and a random number. "" after a publisher has ended."""
    dataset: str
    symbol: str
    renewed: int
    """How often this holder has renewed it."""
    every_ms: int
    """Time between two renewals. A lease that has not been renewed for `LEASE_RENEWALS` of it may be taken."""


LEASE_RENEWALS: Final = 4
Message = Chart | Chapter | Lease | Status
_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_encoder: Final = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """Encode a message as JSON."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    """Decode a JSON message of the expected type.

    Raises
    ------
    ProtocolError : it is another message, or a Chart of another version
    """
    try:
        message = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProtocolError(f"not a message of the bus: {error}") from None
    if not isinstance(message, kind):
        raise ProtocolError(f"expected {kind.__name__} on the bus, got {type(message).__name__}")
    if isinstance(message, Chart) and message.version != VERSION:
        older = "this program" if message.version > VERSION else "the engine"
        raise ProtocolError(f"the bus has version {message.version}, this program {VERSION}: update {older}")
    return message


def pack(blocks: Iterable[Rows], *, tick_size: int, widths_ns: Sequence[int]) -> bytes:
    """Encode rows as a payload: packed frames, each after its length (u32, little-endian).

    Parameters
    ----------
    tick_size : the instrument's tick size, 1e-9; affects only the size
    widths_ns : bucket width of each level; affects only the size
    """
    found = [frames.encode(block, tick_size=tick_size, width_ns=widths_ns[block.level]) for block in blocks]
    return b"".join(part for frame in found for part in (_LENGTH.pack(len(frame)), frame))


def unpack(payload: bytes) -> list[Rows]:
    """Decode a payload. Raises ProtocolError. `symbol` of each block is 0: the subject says which chart it is."""
    found, at = [], 0
    while at < len(payload):
        start = at + _LENGTH.size
        if start > len(payload):
            raise ProtocolError(f"damaged payload: a length at byte {at} of {len(payload)}")
        (size,) = _LENGTH.unpack_from(payload, at)
        at = start + size
        if at > len(payload):
            raise ProtocolError(f"damaged payload: a frame of {size} bytes at byte {start} of {len(payload)}")
        found.append(frames.decode(payload[start:at]))
    return found


def row_id(block: Rows) -> str:
    """Return the message id of *rows*: the same rows always have the same one, regardless of the publisher."""
    return f"{block.epoch}.{FORMS[block.kind].name}.{block.level}.{block.revision}.{block.sequence}.{block.next}"


def message_id(epoch: int, subject: str, expected: int) -> str:
    """Return the message id of anything else: by the sequence that it will have."""
    return f"{epoch}.{subject}.{expected + 1}"

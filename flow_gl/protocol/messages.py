"""The JSON messages: one class per `type`.

In the JSON form, every message is one of these. In the packed form, `Connected`, `Status` and `Error` are also JSON,
and all other data are binary frames (`frames`). Client messages are always JSON.

Prices are integers in units of 1e-9 points, times are integer nanoseconds since the epoch (UTC), and sizes are
contracts. Unknown floats are null.
"""

from typing import Annotated, Any, Final, TypeVar

import msgspec

from flow_gl.protocol.errors import ProtocolError
from flow_gl.protocol.kinds import KIND_OF_NAME

VERSION: Final = 1
"""Protocol version. Incremented by every change that older clients would misread."""
JSON_FORM: Final = f"flow_gl.json.{VERSION}"
PACKED_FORM: Final = f"flow_gl.packed.{VERSION}"
FORMS_OFFERED: Final = (PACKED_FORM, JSON_FORM)
"""WebSocket subprotocols of a server. A client that names none gets JSON."""
MAX_MESSAGE_BYTES: Final = 16_384
"""Maximum length of a client message."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Level = Annotated[int, msgspec.Meta(ge=0, le=11)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
Value = int | float | str | None
T = TypeVar("T")


class Instrument(msgspec.Struct, frozen=True):
    """A chart: an instrument, or a continuous symbol whose contract changes."""

    symbol: str
    """Its name in data messages: the requested symbol, or the contract if there is none."""
    contract: str
    """The current contract; "" while unknown."""
    instrument_id: int
    epoch: int
    """Identifies the engine's run. Sequences start again at 0 in each epoch."""
    tick_size: int
    """1e-9; 0 while unknown."""
    tick_source: int
    """1: definition, 2: built-in table, 3: observed prices."""
    point_value: float | None
    """Currency per point and contract."""
    bucket_ns: int
    widths_ns: tuple[int, ...]
    """Bucket width of each level of detail, ns."""
    thresholds: tuple[float, ...]
    """Imbalance above which a bubble is significant, at each level."""


class Connected(msgspec.Struct, frozen=True, tag="Connected", tag_field="type"):
    """The server's first message. It is sent again when instruments, settings or an epoch change."""

    version: int
    server: str
    """Name and version of the server program."""
    dataset: str
    source: str
    tick_ms: int
    """Minimum time between two updates of a stream."""
    scopes: tuple[str, ...]
    """The client's scopes: `read`, `control`."""
    instruments: tuple[Instrument, ...]
    settings: dict[str, Any]
    """The settings that the numbers depend on."""


class Bubble(msgspec.Struct, frozen=True, tag="Bubble", tag_field="type"):
    """A closed bubble. It is final."""

    symbol: str
    level: int
    epoch: int
    sequence: int
    id: int
    """`ts_event` divided by the bucket width."""
    ts_event: int
    """Start of the bucket, ns."""
    price: int
    """Volume-weighted average of all its trades, 1e-9."""
    open: int
    high: int
    low: int
    close: int
    buy: int
    """Contracts."""
    sell: int
    unsided: int
    trade_count: int
    ts_last: int
    """Time of its last trade, ns."""
    delta: int
    """buy - sell."""
    volume: int
    """Contracts of the dominant side; `unsided` if both sides are 0. It sets the size."""
    significant: bool
    """Whether its imbalance is above the level's threshold: if so it is coloured by side, otherwise grey."""


class CVDPoint(msgspec.Struct, frozen=True, tag="CVDPoint", tag_field="type"):
    """CVD over the bucket of the bubble with the same sequence, contracts."""

    symbol: str
    level: int
    epoch: int
    sequence: int
    id: int
    ts_event: int
    open: int
    """The value before the bucket's first trade."""
    high: int
    low: int
    close: int


class Open(msgspec.Struct, frozen=True, tag="Open", tag_field="type"):
    """The open bubble and CVD point; both are null between two bubbles."""

    symbol: str
    level: int
    epoch: int
    sequence: int
    """The sequence that the bubble will have once closed."""
    bubble: dict[str, int] | None
    cvd: dict[str, int] | None


class VolumeProfile(msgspec.Struct, frozen=True, tag="VolumeProfile", tag_field="type"):
    """The session's volume profile."""

    symbol: str
    epoch: int
    sequence: int
    poc: int | None
    vah: int | None
    val: int | None
    lvn: list[int]
    hvn: list[int]
    total: int
    """Contracts."""
    value_area: int
    """Contracts from VAL to VAH."""
    step: int
    tick_size: int
    ticks_per_row: int
    is_whole: bool
    """True if the rows replace all others; False if they are only the rows that changed."""
    rows: list[list[int]]
    """Price (1e-9), buy, sell and unsided contracts of each row with volume."""


class Session(msgspec.Struct, frozen=True, tag="Session", tag_field="type"):
    """The current session's numbers."""

    symbol: str
    epoch: int
    sequence: int
    numbers: dict[str, Value]
    """Fields of `core.schema.SESSION`; a price that is not known is null."""


class Levels(msgspec.Struct, frozen=True, tag="Levels", tag_field="type"):
    """Initial balance, opening range and naked POCs."""

    symbol: str
    epoch: int
    sequence: int
    numbers: dict[str, Value]
    naked: list[list[int]]
    """Price (1e-9) and trade date (YYYYMMDD) of each, oldest first."""


class Event(msgspec.Struct, frozen=True, tag="Event", tag_field="type"):
    """A detector's event."""

    symbol: str
    epoch: int
    revision: int
    sequence: int
    ts_event: int
    """When it became known, ns."""
    kind: str
    """zero_cross, absorption, divergence, stacked_imbalance or large_trade."""
    direction: int
    """+1 bullish, -1 bearish, 0 none."""
    price: int
    strength: float | None
    value: list[float | None]
    """Inputs, by kind."""
    instrument_id: int


class Gap(msgspec.Struct, frozen=True, tag="Gap", tag_field="type"):
    """A time without trades or without data. While it grows it is sent again with the same sequence."""

    symbol: str
    epoch: int
    sequence: int
    start: int
    end: int
    kind: str
    """feed, no_trades, closed or unscheduled."""
    open: bool


class Status(msgspec.Struct, frozen=True, tag="Status", tag_field="type"):
    """The state of feed and engine. Sent on every important change, and at least once a second."""

    state: str
    """State of the feed: starting, connecting, catching_up, live, reconnecting, replay, demo, ended, failed, closed."""
    engine: str
    """State of the engine: starting, running, restarting, ended or failed."""
    message: str
    """A message for the user, one line."""
    sent_ns: int
    """The server's clock when it sent this, ns."""
    numbers: dict[str, Any]
    """Fields of `core.schema.STATUS`: all of them in a connection's first `Status`, then those that have changed."""


class Snapshot(msgspec.Struct, frozen=True, tag="Snapshot", tag_field="type"):
    """Many rows of a kind at once."""

    of: str
    """The kind: Bubble (with the CVD points), Event, Gap ..."""
    symbol: str
    level: int
    epoch: int
    revision: int
    sequence: int
    """Sequence of the first row."""
    part: str
    """The relation of the rows to those that the client has.

    newest: they replace all of them. history: they directly precede them. resumed: they follow them, and are the rows
    that the client missed. increment: they follow them, and are new.
    """
    cause: str
    """The cause: subscribed, slow, new_epoch, lapped or replaced; none for history and increments."""
    missed: int
    """Number of rows that this client has not received."""
    oldest: int
    """Sequence of the oldest row of the history. History is complete once that row has been sent."""
    columns: list[str]
    """Names of the values of a row. The CVD of a bubble's bucket is in cvd_open, cvd_high, cvd_low and cvd_close."""
    rows: list[list[Any]]


class Row(msgspec.Struct, frozen=True, tag="Row", tag_field="type"):
    """A new row of a kind without its own message type: Roll, FinishedSession, MinuteLevels, OrderCVD, Alert, Order."""

    of: str
    symbol: str
    epoch: int
    revision: int
    sequence: int
    values: dict[str, Any]


class Error(msgspec.Struct, frozen=True, tag="Error", tag_field="type"):
    """A refusal. If the error concerns the connection itself, the server then closes it."""

    code: str
    """Identifier for programs; docs/protocol.md lists them."""
    text: str
    """The problem, one line."""
    advice: str
    """The remedy, one line."""


ServerMessage = (
    Connected
    | Bubble
    | CVDPoint
    | Open
    | VolumeProfile
    | Session
    | Levels
    | Event
    | Gap
    | Status
    | Snapshot
    | Row
    | Error
)


class Authenticate(msgspec.Struct, frozen=True, tag="Authenticate", tag_field="type"):
    """The token, from clients that cannot set a header. Must be the first message."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

    def __repr__(self) -> str:
        return "Authenticate(token='****')"


class Position(msgspec.Struct, frozen=True):
    """The rows that a client has of one stream: [first, next)."""

    of: Name
    epoch: Count
    first: Count
    next: Count
    revision: Count = 0


class Subscribe(msgspec.Struct, frozen=True, tag="Subscribe", tag_field="type"):
    """Subscribe to one symbol at one level of detail. A second one for the same symbol and level replaces the first."""

    symbol: Name
    """A symbol from `Connected`, or the current contract."""
    level: Level = 0
    span_s: Annotated[float, msgspec.Meta(gt=0, le=1e9)] | None = None
    """Length of the history before the newest row, seconds of event time; null for all that is kept."""
    kinds: Annotated[tuple[Name, ...], msgspec.Meta(max_length=len(KIND_OF_NAME))] | None = None
    """Kinds of rows; null for the default ones."""
    positions: Annotated[tuple[Position, ...], msgspec.Meta(max_length=len(KIND_OF_NAME))] = ()
    """The rows that the client has from an earlier connection. It receives the rows that it missed."""
    version: int = VERSION
    """The protocol version that the client was written for."""


class Unsubscribe(msgspec.Struct, frozen=True, tag="Unsubscribe", tag_field="type"):
    symbol: Name
    level: Level = 0


class Command(msgspec.Struct, frozen=True, tag="Command", tag_field="type"):
    """A command that affects all clients; requires the scope `control`."""

    name: Name
    """set_speed: `value` is the replay speed, event seconds per second; null for as fast as possible. seek: `value` is
    the instant of a replay, event time in ns. play, pause: without a value. step: `value` is 1 or -1."""
    value: int | float | None = None
    to: Name | None = None
    """For a step: bubble, second, event, large_trade or session."""
    symbol: Name | None = None
    level: Level = 0
    """For a step: the chart and the level of detail whose bubbles, events and sessions count."""


ClientMessage = Authenticate | Subscribe | Unsubscribe | Command

_client_decoder: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)
_server_decoder: Final[msgspec.json.Decoder[ServerMessage]] = msgspec.json.Decoder(ServerMessage)
_encoder: Final = msgspec.json.Encoder()


def encode(message: ServerMessage | ClientMessage) -> bytes:
    """Encode a message as JSON (UTF-8)."""
    return _encoder.encode(message)


def decode_client(text: str | bytes) -> ClientMessage:
    """Decode a client's message. Raises ProtocolError with one line that names the field."""
    return _decode(_client_decoder, text)


def decode_server(text: str | bytes) -> ServerMessage:
    """Decode a server's message. Raises ProtocolError."""
    return _decode(_server_decoder, text)


def _decode(decoder: "msgspec.json.Decoder[T]", text: str | bytes) -> T:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProtocolError(f"not a message of the protocol: {error}") from None

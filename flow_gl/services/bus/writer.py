"""Writes the three streams of a chart. Each message states which one this publisher knows to be the last before it.

Messages are sent without waiting for one another's acknowledgement. Each expects the sequence of the one before it, so
the stream holds an unbroken prefix of what was sent in any case.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from nats.js.api import PubAck
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from flow_gl.core.log import get_logger
from flow_gl.protocol.bus import AFTER, EXPECTED_SEQUENCE, MESSAGE_ID, Log, Topic

ACK_S: Final = 3.0
"""Longest time for an acknowledgement."""
MAX_IN_FLIGHT: Final = 64
DAY_S: Final = 86_400
AGE_S: Final = {Log.ROWS: 4 * DAY_S, Log.STATE: 0, Log.HISTORY: 8 * DAY_S}
"""How long messages are kept in the streams that a publisher creates; 0: forever."""
REPLICAS: Final = 3
_WRONG_SEQUENCE: Final = (10071, 10164)
_NOT_CLUSTERED: Final = 10074
_DUPLICATES_S: Final = 120


class FencedError(Exception):
    """Another publisher has written to the stream."""


class UnsureError(Exception):
    """The contents of the stream are unknown: the bus did not answer, or not as expected."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be written.

    Attributes
    ----------
    subject, payload : as published
    message_id : a message with an id that is known already is not stored again
    after : in *state*, the sequence in *rows* that must be applied before it
    """

    subject: str
    payload: bytes
    message_id: str
    after: int | None = None


class ChartWriter:
    """Writes the streams of one chart.

    Attributes
    ----------
    last : sequence of the last message of each stream
    """

    def __init__(self, js: JetStreamContext, topic: Topic) -> None:
        self._js: Final = js
        self.topic: Final = topic
        self.last: Final[dict[Log, int]] = {}

    async def open(self) -> None:
        """Create streams that do not exist, and read the last sequences. Raises UnsureError."""
        for log in Log:
            try:
                info = await self._js.stream_info(self.topic.stream(log))
            except NotFoundError:
                await self._make(log)
                info = await self._js.stream_info(self.topic.stream(log))
            self.last[log] = int(info.state.last_seq)

    async def _make(self, log: Log) -> None:
        config: dict[str, Any] = {
            "name": self.topic.stream(log),
            "subjects": [self.topic.subjects(log)],
            "max_age": AGE_S[log],
            "duplicate_window": _DUPLICATES_S,
        }
        if log is Log.STATE:
            config["max_msgs_per_subject"] = 1
        try:
            await self._js.add_stream(**config, num_replicas=REPLICAS)
        except APIError as error:
            if error.err_code != _NOT_CLUSTERED:
                raise
            await self._js.add_stream(**config, num_replicas=1)
        get_logger("bus").info("stream created", extra={"stream": config["name"]})

    async def newest(self, log: Log, subject: str) -> tuple[int, bytes] | None:
        """Return sequence and payload of the newest message of a subject; None if there is none."""
        try:
            found = await self._js.get_last_msg(self.topic.stream(log), subject)
        except NotFoundError:
            return None
        return int(found.seq or 0), found.data or b""

    async def read(self, log: Log, first: int, stop: int) -> list[tuple[str, bytes]]:
        """Return subjects and payloads of the messages [first, stop) that are kept."""

        async def get(sequence: int) -> tuple[str, bytes] | None:
            try:
                found = await self._js.get_msg(self.topic.stream(log), sequence)
            except NotFoundError:
                return None
            return found.subject or "", found.data or b""

        found: list[tuple[str, bytes]] = []
        for start in range(first, stop, MAX_IN_FLIGHT):
            part = await asyncio.gather(*map(get, range(start, min(start + MAX_IN_FLIGHT, stop))))
            found += [one for one in part if one is not None]
        return found

    async def send(self, log: Log, messages: Iterable[Message]) -> None:
        """Write messages in order.

        Raises
        ------
        FencedError : another publisher has written to the stream
        UnsureError : a message was not acknowledged; it may have been stored
        """
        waiting = list(messages)
        for start in range(0, len(waiting), MAX_IN_FLIGHT):
            part = waiting[start : start + MAX_IN_FLIGHT]
            expected = self.last[log]
            try:
                # Sent in order. (The client's publish_async loses errors.)
                async with asyncio.timeout(ACK_S):
                    acks = await asyncio.gather(*(self._publish(one, expected + at) for at, one in enumerate(part)))
            except APIError as error:
                if error.err_code in _WRONG_SEQUENCE:
                    raise FencedError(str(error.description)) from None
                raise UnsureError(str(error.description)) from None
            if [ack.seq for ack in acks] != list(range(expected + 1, expected + 1 + len(part))):
                raise UnsureError("a message had been stored before")
            self.last[log] = expected + len(part)

    async def _publish(self, message: Message, expected: int) -> PubAck:
        headers = {MESSAGE_ID: message.message_id, EXPECTED_SEQUENCE: str(expected)}
        if message.after is not None:
            headers[AFTER] = str(message.after)
        return await self._js.publish(message.subject, message.payload, timeout=ACK_S, headers=headers)

    async def forget(self, log: Log, before: int) -> None:
        """Remove the messages before a sequence: those of earlier epochs."""
        if before > 1:  # 0 and 1 would remove everything
            await self._js.purge_stream(self.topic.stream(log), seq=before)

    async def delete(self, log: Log, sequence: int) -> None:
        """Remove one message."""
        try:
            await self._js.delete_msg(self.topic.stream(log), sequence)
        except NotFoundError:
            return

"""A chart's lease: which of several engines publishes it.

The holder writes the key repeatedly, each time with the revision that it wrote last, so that no other engine can have
written in between. The others watch the revision. Once it has not changed for `bus.LEASE_RENEWALS` periods, by their
own clock, they write their own name; the server lets one of them succeed. No clocks are compared.

The lease only decides who tries to write; the sequences that a deposed publisher expects keep it from writing.
"""

from collections.abc import Callable
from typing import Final

from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from flow_gl.core.log import get_logger
from flow_gl.protocol import bus
from flow_gl.protocol.bus import Lease, Topic
from flow_gl.protocol.errors import ProtocolError

EVERY_S: Final = 0.4
"""Interval of renewals, and of checks. Another engine takes over four intervals after the last renewal."""
_LONGEST_MS: Final = 5_000


class LeaseKeeper:
    """Holds the lease of one chart, or competes for it.

    Parameters
    ----------
    topic : the chart
    holder : this publisher's name, unique among all
    now_s : monotonic time

    Attributes
    ----------
    is_leader : whether this publisher holds the lease, as far as it knows
    """

    def __init__(self, topic: Topic, holder: str, now_s: Callable[[], float]) -> None:
        self.topic: Final = topic
        self.is_leader = False
        self._holder: Final = holder
        self._now_s: Final = now_s
        self._renewed = 0
        self._revision = 0
        """Revision of the newest lease; 0 if there is none."""
        self._is_free = False
        self._patience_s = bus.LEASE_RENEWALS * EVERY_S
        self._changed_s = now_s()
        """When the revision was seen to change, or to exist."""

    async def step(self, leases: KeyValue, *, may_lead: bool) -> None:
        """Renew the lease, or look at it and take it if it is free. Call it every `EVERY_S`.

        Raises
        ------
        nats.errors.Error, TimeoutError : the bus does not answer
        """
        try:
            if self.is_leader and not may_lead:
                await self.release(leases)
            elif self.is_leader:
                try:
                    await self._write(leases, self._holder)
                except KeyWrongLastSequenceError:
                    # Taken by another engine; or a renewal was stored whose answer was lost.
                    await self.look(leases)
            else:
                await self.look(leases)
                if may_lead and not self.is_leader and self._is_vacant():
                    await self._take(leases)
        except BaseException:
            # Without an answer the holder may have renewed in the meantime, so the wait begins again.
            self._changed_s = self._now_s()
            raise

    async def look(self, leases: KeyValue) -> None:
        """Read the holder of the lease. Raises as `step` does."""
        try:
            entry = await leases.get(self.topic.key)
        except KeyNotFoundError as error:
            entry = error.entry
            self._note(int(entry.revision or 0) if entry else 0, None)
            return
        try:
            lease = bus.decode(entry.value or b"", Lease)
        except ProtocolError as error:
            get_logger("bus").warning("not a lease", extra={"key": self.topic.key, "error": error})
            lease = None
        self._note(int(entry.revision or 0), lease)

    def _note(self, revision: int, lease: Lease | None) -> None:
        if revision != self._revision:
            self._revision, self._changed_s = revision, self._now_s()
        self._is_free = lease is None or not lease.holder
        was_leader, self.is_leader = self.is_leader, lease is not None and lease.holder == self._holder
        if lease is not None:
            self._patience_s = bus.LEASE_RENEWALS * max(1, min(lease.every_ms, _LONGEST_MS)) / 1000
        if was_leader and not self.is_leader:
            holder = lease.holder if lease else ""
            get_logger("bus").warning("lease lost", extra={"chart": self.topic.key, "holder": holder})

    def _is_vacant(self) -> bool:
        return self._is_free or self._now_s() - self._changed_s >= self._patience_s

    async def _take(self, leases: KeyValue) -> None:
        try:
            await self._write(leases, self._holder)
        except KeyWrongLastSequenceError:
            return  # another engine was quicker
        self.is_leader = True
        get_logger("bus").info("lease taken", extra={"chart": self.topic.key})

    async def _write(self, leases: KeyValue, holder: str) -> None:
        self._renewed += 1
        lease = Lease(
            holder=holder,
            dataset=self.topic.dataset,
            symbol=self.topic.symbol,
            renewed=self._renewed,
            every_ms=int(EVERY_S * 1000),
        )
        self._revision = await leases.update(self.topic.key, bus.encode(lease), last=self._revision)

    async def release(self, leases: KeyValue) -> None:
        """Give up the lease, so that another engine takes over at once. Raises as `step` does."""
        if self.is_leader:
            self.is_leader = False
            try:
                await self._write(leases, "")
            except KeyWrongLastSequenceError:
                return
            get_logger("bus").info("lease released", extra={"chart": self.topic.key})

"""One engine process as seen by its parent: its answers, the commands sent to it, and the stores it shares.

Only `end` and, after the process has ended, `read_answers` and `release` wait, each for a limited time.
"""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from flow_gl.core.commands import SetLoop, Stop, encode
from flow_gl.core.log import get_logger
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import AvailableSymbols, Failure, NotAdded, RemoteSettings, decode_answer
from flow_gl.core.system.platform.line_process import LineProcess
from flow_gl.store.market import MarketReader
from flow_gl.view.engine_link.stores import EngineStores

END_S: Final = 20.0
"""How long `end` waits for a clean exit: as long as the engine may take to write recording, archive and bus (10, 5 and
4 s at most). The window has been closed by then."""
_AGAIN_S: Final = 3.0
"""How long `end` waits after terminate before it kills the process."""
_NOT_CAUGHT_UP: Final = frozenset(
    {FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP, FeedState.RECONNECTING}
)


class EngineProcess(EngineStores):
    """One engine process and its attached stores."""

    def __init__(
        self, command: Sequence[str], first_line: bytes, *, environment: Mapping[str, str], started_ns: int
    ) -> None:
        super().__init__()
        self.started_ns: Final = started_ns
        """Monotonic time of the process start, ns."""
        self.failure: Failure | None = None
        """The failure that the engine reported, if any."""
        self.remote_settings: dict[str, Any] = {}
        """The settings of the engine behind remote charts; empty for an engine of this machine."""
        self.offered: tuple[str, ...] = ()
        """Symbols that the feed can chart."""
        self.addable_stype = ""
        """Type (`stype_in`) of the other symbols that can be requested; "" if none can be."""
        self.refusals: Final[list[NotAdded]] = []
        """Refused symbols."""
        self._lines: Final = LineProcess(command, environment={**os.environ, **environment}, name="engine")
        self.process: Final = self._lines.process
        self.write(first_line)

    def read_answers(self) -> None:
        """Process the engine's answers since the last call."""
        for line in self._lines.lines():
            try:
                answer = decode_answer(line)
            except msgspec.MsgspecError:
                get_logger("link").warning("not an answer", extra={"line": line[:200]})
                continue
            if isinstance(answer, Failure):
                self.failure = answer
            elif isinstance(answer, RemoteSettings):
                self.remote_settings = answer.settings
            elif isinstance(answer, AvailableSymbols):
                self.offered, self.addable_stype = answer.symbols, answer.addable_stype
            elif isinstance(answer, NotAdded):
                self.refusals.append(answer)
            else:
                self.attach(answer.store)

    @property
    def is_running(self) -> bool:
        """Whether the feed runs."""
        return self.reader is not None and int(self.reader.status["state"]) in (FeedState.REPLAY, FeedState.DEMO)

    def has_caught_up(self, shown: Sequence[MarketReader]) -> bool:
        """Return whether the charts have reached the state of an earlier engine's charts.

        Parameters
        ----------
        shown : the earlier engine's charts
        """
        if self.reader is None or not self.markets:
            return False
        state = FeedState(int(self.reader.status["state"]))
        if state in (FeedState.REPLAY, FeedState.DEMO):
            # These states apply from the first trade on and do not show the progress: compare event times instead.
            for market in self.markets:
                market.refresh()
            return all(
                market.session["last_ts"] >= old.session["last_ts"]
                for market, old in zip(self.markets, shown, strict=False)
                if market.requested == old.requested  # not where another symbol takes a released one's place
            )
        return state not in _NOT_CAUGHT_UP and not self.reader.status["behind"]

    @property
    def speed(self) -> float | None:
        """The replay's speed; None for as fast as possible."""
        speed = 1.0 if self.reader is None else float(self.reader.status["speed"])
        return None if math.isinf(speed) else speed if speed > 0 else 1.0

    @property
    def loop(self) -> SetLoop:
        """The stretch that a replay plays in a loop; 0 and 0 for none."""
        if self.reader is None:
            return SetLoop(0, 0)
        return SetLoop(int(self.reader.status["loop_start"]), int(self.reader.status["loop_end"]))

    def write(self, data: bytes) -> None:
        """Write to the engine's standard input. If that fails, drop the data and log a warning."""
        if not self._lines.send(data):
            get_logger("link").warning("command dropped")

    def last_words(self) -> str:
        """Return the last line of the engine's standard error, with the key masked; "" if there is none."""
        return self._lines.last_words()

    def end(self) -> None:
        """End the process: send `Stop`, then terminate, then kill."""
        if not self._lines.has_ended:
            self.write(encode(Stop()))
        self._lines.end(END_S, again_s=_AGAIN_S)

    @property
    def has_ended(self) -> bool:
        return self._lines.has_ended

    def release(self) -> None:
        """Release the stores and pipes of a process that has ended. Memory that live readers use stays mapped."""
        self._lines.close()
        super().release()

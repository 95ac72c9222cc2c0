"""One engine process as its parent sees it: what it says, what it is told, the stores that it shares.

Nothing but `end` waits. Standard error goes to a file without a name, so that an engine that dies before it could
log still leaves its last words.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from flow_gl.core.commands import Stop, encode
from flow_gl.core.log import get_logger, masked
from flow_gl.core.schema import FeedState
from flow_gl.core.spec import Failure, Hello, decode_answer
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.core.system.platform.processes import start
from flow_gl.store.market import EngineReader, EngineStore, MarketReader, MarketStore
from flow_gl.store.shm import SharedMemoryError

END_S: Final = 3.0
"""How long `end` waits for a clean end, then again for a termination, before it kills."""
LAST_ANSWERS_S: Final = 0.5
"""How long `read_answers` waits for the last answers of a process that has ended."""

_NOT_CAUGHT_UP: Final = frozenset(
    {FeedState.STARTING, FeedState.CONNECTING, FeedState.CATCHING_UP, FeedState.RECONNECTING}
)


class EngineProcess:
    """One engine process and the stores that are attached to it."""

    def __init__(
        self, command: Sequence[str], first_line: bytes, *, environment: Mapping[str, str], started_ns: int
    ) -> None:
        self.started_ns: Final = started_ns
        """Monotonic time of its start."""
        self.reader: EngineReader | None = None
        """Its status; None before its hello."""
        self.markets: Final[list[MarketReader]] = []
        """Its charts."""
        self.failure: Failure | None = None
        """Why it ended, where it said so."""
        with ExitStack() as on_failure:
            self._errors: Final = on_failure.enter_context(_last_words_file())
            self.process: Final = start(command, environment={**os.environ, **environment}, errors=self._errors)
            on_failure.pop_all()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._commands: Final = PipeWriter(self.process.stdin, name="commands")
        self._answers: Final = PipeReader(self.process.stdout, name="answers")
        self.write(first_line)
        self._names: list[str] = []
        self._stores: list[EngineStore | MarketStore] = []
        self._text = b""

    def read_answers(self) -> None:
        """Take what the engine has said since the last look."""
        if self.process.returncode is not None:
            self._answers.wait_for_end(LAST_ANSWERS_S)
        *lines, self._text = (self._text + self._answers.take()).split(b"\n")
        for line in lines:
            try:
                answer = decode_answer(line)
            except msgspec.MsgspecError:
                get_logger("link").warning("not an answer", extra={"line": line[:200]})
                continue
            if isinstance(answer, Failure):
                self.failure = answer
            else:
                self._attach(answer)

    def _attach(self, hello: Hello) -> None:
        try:
            store = EngineStore.attach(hello.store)
        except SharedMemoryError:
            return  # it has died since
        self._stores.append(store)
        self.reader = EngineReader(store)

    def attach_markets(self) -> bool:
        """Attach the charts' stores that are new. True where a chart that was there has another store now."""
        if self.reader is None:
            return False
        self.reader.refresh()
        names = self.reader.market_names
        if names == self._names:
            return False
        is_replaced = False
        for chart, name in enumerate(names):
            if chart < len(self._names) and self._names[chart] == name:
                continue
            try:
                store = MarketStore.attach(name)
            except SharedMemoryError:
                break  # replaced or gone since: the next look tells
            self._stores.append(store)
            if chart < len(self._names):
                is_replaced = True
                self.markets[chart] = MarketReader(store)
                self._names[chart] = name
            else:
                self.markets.append(MarketReader(store))
                self._names.append(name)
        return is_replaced

    def has_caught_up(self, shown: Sequence[MarketReader]) -> bool:
        """Whether its charts show at least what an earlier engine's did.

        Parameters
        ----------
        shown : the earlier engine's charts
        """
        if self.reader is None or not self.markets:
            return False
        state = FeedState(int(self.reader.status["state"]))
        if state in (FeedState.REPLAY, FeedState.DEMO):
            # These run from the first trade on: what they say of themselves is not how far they have come.
            for market in self.markets:
                market.refresh()
            return all(
                market.session["last_ts"] >= old.session["last_ts"]
                for market, old in zip(self.markets, shown, strict=False)
            )
        return state not in _NOT_CAUGHT_UP and not self.reader.status["behind"]

    def write(self, data: bytes) -> None:
        """Write to its standard input; dropped where it does not take it."""
        if not self._commands.offer(data):
            get_logger("link").warning("command dropped")

    def last_words(self) -> str:
        """Last line of its standard error, "" where there is none."""
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return masked(lines[-1]) if lines else ""

    def end(self) -> None:
        """End the process: ask, then terminate, then kill."""
        process = self.process
        if process.poll() is None:
            self.write(encode(Stop()))
        self._commands.close()
        for then in (process.terminate, process.kill):
            try:
                process.wait(END_S)
                break
            except subprocess.TimeoutExpired:
                then()
        process.wait()

    def release(self) -> None:
        """Let go of the stores and pipes of a process that has ended. Readers that are still held keep the pages."""
        self._commands.close()
        self._commands.wait_for_end(LAST_ANSWERS_S)
        self._answers.close()
        with suppress(OSError):
            self._errors.close()
        for store in self._stores:
            store.close()


def _last_words_file() -> IO[bytes]:
    """A file without a name; in memory where the folder of temporary files takes none."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        if hasattr(os, "memfd_create"):
            return os.fdopen(os.memfd_create("flow_gl"), "w+b")
        return Path(os.devnull).open("w+b")

"""A child process that exchanges lines with its parent. Nothing here waits, except what ends it.

Standard error goes to an unnamed temporary file, so that the last line of a process that dies before it can log is
available.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Final

from flow_gl.core.log import masked
from flow_gl.core.system.platform.pipes import PipeReader, PipeWriter
from flow_gl.core.system.platform.processes import last_words_file, start

_LAST_LINES_S: Final = 0.5
"""How long to wait for the pipes of a process that has ended."""
_MIN_S: Final = 0.1
"""How long a process may take to end in any case, before it is terminated or killed."""


class LineProcess:
    """A child process.

    Parameters
    ----------
    command : its command line
    environment : its complete environment
    name : of the threads that read and write
    on_line : called in the reading thread with each line, without its newline; `lines` then returns none

    Raises
    ------
    OSError
        The process cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        name: str,
        on_line: Callable[[bytes], None] | None = None,
    ) -> None:
        with ExitStack() as on_failure:
            self._errors: Final = on_failure.enter_context(last_words_file())
            self.process: Final = start(command, environment=environment, errors=self._errors)
            on_failure.pop_all()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input: Final = PipeWriter(self.process.stdin, name=name)
        self._text = b""
        self._on_line: Final = on_line
        self._output: Final = PipeReader(
            self.process.stdout, name=f"{name}'s lines", on_bytes=None if on_line is None else self._split
        )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def send(self, line: bytes) -> bool:
        """Send a line with its newline; return False if it is dropped. Any thread may call it."""
        return self._input.offer(line)

    def lines(self) -> list[bytes]:
        """Return the lines since the last call, without their newlines; after the process has ended, all of them."""
        if self.process.returncode is not None:
            self._output.wait_for_end(_LAST_LINES_S)
        return self._whole(self._output.take())

    def _whole(self, read: bytes) -> list[bytes]:
        """Return the lines that end in what was read, and keep the rest."""
        *found, self._text = (self._text + read).split(b"\n")
        return found

    def _split(self, read: bytes) -> None:
        assert self._on_line is not None
        for line in self._whole(read):
            self._on_line(line)

    def last_words(self) -> str:
        """Return the last line of its standard error, secrets masked; "" if there is none."""
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return masked(lines[-1]) if lines else ""

    def end(self, within_s: float, *, again_s: float = _MIN_S) -> None:
        """Close its standard input and wait; then terminate it, then kill it. `lines` still returns its last ones.

        Parameters
        ----------
        within_s : how long it may take to end by itself
        again_s : how long it may take to end once it is terminated
        """
        self._input.close()
        for then, wait_s in ((self.process.terminate, max(_MIN_S, within_s)), (self.process.kill, again_s)):
            try:
                self.process.wait(wait_s)
                break
            except subprocess.TimeoutExpired:
                then()
        self.process.wait()

    def close(self) -> None:
        """Release the pipes of a process that has ended. Idempotent."""
        self._input.close()
        self._input.wait_for_end(_LAST_LINES_S)
        self._output.close()
        with suppress(OSError):
            self._errors.close()

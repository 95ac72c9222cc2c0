"""Wait for what another thread or process does: as briefly as possible, and not for ever."""

import time
from collections.abc import Callable

from flow_gl.view.engine_link.supervisor import EngineLink

PATIENCE_S = 90.0
"""Longer than an engine takes to start on a machine that is busy with something else."""


def until(
    holds: Callable[[], object],
    what: str | Callable[[], str] = "",
    *,
    step: Callable[[], object] | None = None,
    patience_s: float = PATIENCE_S,
    pause_s: float = 0.01,
) -> None:
    """Wait until `holds()` is true.

    Parameters
    ----------
    what : said when it never came true; a function is called only then
    step : called before each look
    patience_s : seconds after which the test fails
    pause_s : seconds between two looks
    """
    end = time.monotonic() + patience_s
    while True:
        if step is not None:
            step()
        if holds():
            return
        if time.monotonic() > end:
            said = what() if callable(what) else what
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {said or getattr(holds, '__name__', 'it')}")
        time.sleep(pause_s)


def until_engine(
    link: EngineLink, holds: Callable[[], object], what: Callable[[], str] | None = None, *, pause_s: float = 0.01
) -> None:
    """Wait until something holds of an engine, which is polled before each look.

    Parameters
    ----------
    what : said beside the link's state and message when it never came true
    """

    def poll() -> None:
        link.poll()
        if link.engine:
            link.engine.refresh()

    def said() -> str:
        return f"{link.state}, {link.message}" + (f", {what()}" if what else "")

    until(holds, said, step=poll, pause_s=pause_s)

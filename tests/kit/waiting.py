"""Waits for a condition that another thread or process fulfils, with a time limit."""

import asyncio
import time
from collections.abc import Callable

from flow_gl.view.engine_link.supervisor import EngineLink

PATIENCE_S = 90.0
"""Time limit in seconds, longer than an engine's start on a busy machine."""


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
    what : message if the condition never holds; a function is called only then
    step : called before each check
    patience_s : seconds after which the test fails
    pause_s : seconds between two checks
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


async def until_async(holds: Callable[[], object], what: str = "", *, pause_s: float = 0.005) -> None:
    """Wait until `holds()` is true; other tasks of the loop run meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s in vain: {what or getattr(holds, '__name__', 'it')}")
        await asyncio.sleep(pause_s)


def until_engine(
    link: EngineLink, holds: Callable[[], object], what: Callable[[], str] | None = None, *, pause_s: float = 0.01
) -> None:
    """Wait until a condition on an engine holds; the link is polled before each check.

    Parameters
    ----------
    what : added to the link's state and message if the condition never holds
    """

    def poll() -> None:
        link.poll()
        if link.engine:
            link.engine.refresh()

    def said() -> str:
        return f"{link.state}, {link.message}" + (f", {what()}" if what else "")

    until(holds, said, step=poll, pause_s=pause_s)

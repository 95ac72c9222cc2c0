"""Run ranges: in this process, on the cores of this machine, or on the workers of a Dask cluster.

What a task gives does not depend on where it runs or in what order. After an interruption, worker processes end at
their next batch; if this process dies, they end too.
"""

import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Final

from flow_gl.core.errors import DataError, FlowError, UsageError
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.system.packages import install_advice
from flow_gl.runtime.detect import work
from flow_gl.runtime.detect.instrument_filter import InstrumentFilter
from flow_gl.runtime.detect.plan import SessionRange
from flow_gl.runtime.file_summaries import program
from flow_gl.services.replay_cache.file_cache import identity

CONNECT_S: Final = 10
"""How long to wait for a scheduler, and then for its first worker, in seconds."""


@dataclass(frozen=True, slots=True)
class Task:
    """One range under some sets of parameters."""

    session_range: SessionRange
    sets: tuple[AggregationSettings, ...]
    instruments: InstrumentFilter | None = None
    """The instruments to read; None for all."""


Done = Generator[tuple[int, list[bytes]]]
"""The index of each task with what `work.detect` returned, as tasks end."""


def run_local(tasks: Sequence[Task], *, workers: int, on_share: Callable[[float], None]) -> Done:
    """Run tasks in worker processes; a single task, or with one worker, in this process.

    Parameters
    ----------
    workers : most processes
    on_share : called with the share read of the task that runs in this process

    Raises
    ------
    DataError : a file cannot be read
    FlowError : a worker process ended
    """
    if workers == 1 or len(tasks) == 1:
        for at, task in enumerate(tasks):
            yield at, work.detect(task.session_range, task.sets, instruments=task.instruments, on_batch=on_share)
        return
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_begin, initargs=(stop,))
    try:
        futures = {pool.submit(_work, task): at for at, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        raise FlowError(
            "a worker process ended, killed or out of memory: run the same command again with fewer --workers;"
            " what is done is kept"
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


class _StoppedError(Exception):
    """The command has ended."""


_stop: Any = None


def _begin(stop: Any) -> None:
    """Prepare a worker process: Ctrl-C is the parent's affair, and without a parent there is nothing to do."""
    global _stop  # noqa: PLW0603  # one per worker process
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, name="parent", daemon=True).start()


def _work(task: Task) -> list[bytes]:
    def check(_share: float) -> None:
        if _stop.is_set():
            raise _StoppedError

    return work.detect(task.session_range, task.sets, instruments=task.instruments, on_batch=check)


def run_cluster(tasks: Sequence[Task], *, scheduler: str) -> Done:
    """Run tasks on a Dask cluster, whose workers must see the same files under the same paths.

    Parameters
    ----------
    scheduler : its address, like tcp://10.0.0.5:8786

    Raises
    ------
    UsageError : distributed is not installed, or the address is no address
    DataError : a file cannot be read, or a worker does not see it
    FlowError : the scheduler or its workers cannot be reached, or run another version
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise UsageError(f"--scheduler needs {error.name}: {install_advice('cluster')}") from None
    make: Any = distributed
    try:
        client = make.Client(scheduler, timeout=CONNECT_S, set_as_default=False, name="flow-gl")
    except (OSError, TimeoutError) as error:
        raise FlowError(f"--scheduler {scheduler} cannot be reached: {_last_line(error)}") from None
    except ValueError as error:
        raise UsageError(f"--scheduler {scheduler}: expected an address like tcp://HOST:8786 ({error})") from None
    with client:
        _check_workers(client, scheduler, sorted({path for task in tasks for path in task.session_range.paths}))
        futures = {
            client.submit(work.detect, task.session_range, task.sets, instruments=task.instruments, pure=False): at
            for at, task in enumerate(tasks)
        }
        try:
            for future in make.as_completed(list(futures), loop=client.loop):
                yield futures[future], future.result()
        except distributed.KilledWorker as error:
            raise FlowError(f"--scheduler {scheduler}: {_last_line(error)}") from None
        finally:
            client.cancel(list(futures))


def _check_workers(client: Any, scheduler: str, paths: Sequence[Path]) -> None:
    """Check that there is a worker, and that every worker runs this program and sees the same files."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        raise FlowError(f"--scheduler {scheduler} has no workers: start some with `dask worker {scheduler}`") from None
    try:
        versions = client.run(program)
    except Exception as error:  # any error while flow_gl is imported there
        raise FlowError(f"--scheduler {scheduler}: a worker cannot run flow_gl: {_last_line(error)}") from None
    for address, version in versions.items():
        if version != program():
            raise FlowError(f"worker {address} runs another version of flow_gl: install the same one everywhere")
    ours = _identities(paths)
    for address, found in client.run(_identities, paths).items():
        for path, mine, other in zip(paths, ours, found, strict=True):
            if mine != other:
                what = "does not see" if not other else "sees another file at"
                raise DataError(f"worker {address} {what} {path}: files must be under the same path on every worker")


def _identities(paths: Sequence[Path]) -> list[str]:
    """Return what identifies the files' contents; "" for one that cannot be read."""
    found = []
    for path in paths:
        try:
            found.append(identity(path))
        except OSError:
            found.append("")
    return found


def _last_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]

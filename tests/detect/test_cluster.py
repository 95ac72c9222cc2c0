"""The same sessions on a Dask cluster: a real scheduler and real workers, one of which is killed."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from flow_gl.core.errors import FlowError, UsageError
from flow_gl.core.settings import DEFAULTS
from flow_gl.runtime.detect import pools
from flow_gl.runtime.detect.study import Options, StudyRun
from flow_gl.runtime.detect.tables import write
from tests.detect.market import write_sessions
from tests.kit.waiting import PATIENCE_S

pytest.importorskip("distributed", reason="the extra cluster is not installed")

ROOT = Path(__file__).parents[2]
SETS = [replace(DEFAULTS.aggregation, absorption_sd=sd) for sd in (1.0, 2.0)]


class Cluster:
    """Run a scheduler and two workers as processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "5",
        }
        file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", str(file))
        deadline = time.monotonic() + PATIENCE_S
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline, "the scheduler does not start"
            assert self.scheduler.poll() is None
            time.sleep(0.1)
        import json

        self.address = json.loads(file.read_text())["address"]
        self.workers = [self._worker(number) for number in range(2)]

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:], "--no-dashboard"]
        log = (self._folder / f"{arguments[0]}.log").open("ab")
        return subprocess.Popen(command, env=self._environment, cwd=self._folder, stdout=log, stderr=log)

    def _worker(self, number: int) -> subprocess.Popen[bytes]:
        return self._start(
            *("worker", self.address, "--nthreads", "1", "--no-nanny", "--name", f"worker{number}"),
            *("--local-directory", str(self._folder / f"worker{number}")),
        )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.close()


def tables(study, folder):
    folder.mkdir()
    values = [{"absorption.sd": one.absorption_sd} for one in SETS]
    return [path.read_bytes() for path in write(study, values, folder)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # distributed's own, about its event loop and open sockets
def test_a_cluster_gives_the_same_bytes_even_if_a_worker_is_killed(tmp_path, cluster, monkeypatch):
    paths = write_sessions(tmp_path, 5)
    alone = StudyRun(paths, SETS, Options(workers=1, is_cached=False)).run()
    run_cluster, killed = pools.run_cluster, []

    def killing(tasks, *, scheduler):
        results = run_cluster(tasks, scheduler=scheduler)
        for number, result in enumerate(results):
            if number == 1 and not killed:
                cluster.workers[0].send_signal(signal.SIGKILL)
                killed.append(cluster.workers[0].wait())
            yield result

    monkeypatch.setattr("flow_gl.runtime.detect.study.run_cluster", killing)
    apart = StudyRun(paths, SETS, Options(scheduler=cluster.address, is_cached=False)).run()
    assert killed == [-signal.SIGKILL]
    assert cluster.workers[1].poll() is None
    assert tables(apart, tmp_path / "apart") == tables(alone, tmp_path / "alone")


@pytest.mark.filterwarnings("ignore")
def test_an_unreachable_scheduler_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "CONNECT_S", 1)
    paths = write_sessions(tmp_path, 1)
    with pytest.raises(FlowError, match=r"--scheduler tcp://127.0.0.1:9 cannot be reached") as caught:
        StudyRun(paths, SETS, Options(scheduler="tcp://127.0.0.1:9", is_cached=False)).run()
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_an_invalid_scheduler_address_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "CONNECT_S", 1)
    paths = write_sessions(tmp_path, 1)
    with pytest.raises(UsageError, match="expected an address like tcp://HOST:8786"):
        StudyRun(paths, SETS, Options(scheduler="spam://nowhere", is_cached=False)).run()

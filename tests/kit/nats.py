"""Real NATS servers on loopback, from Debian's package: one, or a cluster of three that can be killed one at a time."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.kit.ports import lasting_port
from tests.kit.waiting import PATIENCE_S, until

PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
"""Debian installs the server where only root looks."""
JETSTREAM_BYTES = 1 << 30
LOG_CHARS = 3000
"""How much of a server's log a failed test shows."""


class NatsServer:
    """One server.

    Parameters
    ----------
    folder : for its configuration, its log and its data, which outlive it
    ports : of clients, of the cluster and of monitoring
    routes : ports of the cluster's servers; none for a server alone
    """

    def __init__(self, folder: Path, name: str, ports: tuple[int, int, int], routes: tuple[int, ...] = ()) -> None:
        self.name = name
        self.port, self._cluster_port, self._monitor_port = ports
        self._folder = folder / name
        self._routes = routes
        self.more: dict[str, Any] = {}
        """Further configuration, set before the start: a login, TLS."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, with the data of an earlier run."""
        assert self._process is None
        program = shutil.which("nats-server", path=PATHS)
        if program is None:
            pytest.skip("nats-server is not installed: scripts/setup.sh test installs it")
        config = self._folder / "nats.conf"
        config.write_text(self._config())
        with (self._folder / "nats.log").open("ab") as out:
            self._process = subprocess.Popen(
                [program, "--config", str(config)], stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self._folder
            )

    def _config(self) -> str:
        store = {"store_dir": str(self._folder / "data"), "max_mem": JETSTREAM_BYTES, "max_file": JETSTREAM_BYTES}
        found: dict[str, Any] = {
            "server_name": self.name,
            "listen": f"127.0.0.1:{self.port}",
            "http": f"127.0.0.1:{self._monitor_port}",
            "jetstream": store,
        }
        if self._routes:
            found["cluster"] = {
                "name": "flow_gl",
                "listen": f"127.0.0.1:{self._cluster_port}",
                "routes": [f"nats://127.0.0.1:{port}" for port in self._routes],
            }
        return json.dumps(found | self.more)  # its configuration is a superset of JSON

    def ask(self, path: str) -> dict[str, Any]:
        """Ask the monitoring port; {} if it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self._monitor_port}/{path}", timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError):
            return {}

    def is_ready(self) -> bool:
        """Whether it takes clients and, in a cluster, knows JetStream's leader and has no peer that is behind."""
        try:  # it listens for clients last: the monitoring port answers before
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        if not self._routes:
            return "config" in self.ask("jsz")
        return bool(self.ask("jsz").get("meta_cluster", {}).get("leader"))

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it cleanly."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it for a while, so that its clients hear nothing more, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def close(self) -> None:
        self._end(signal.SIGKILL)

    def log(self) -> str:
        """Return what it has said in all its runs."""
        path = self._folder / "nats.log"
        return path.read_text(errors="replace") if path.exists() else ""


class NatsCluster:
    """Three servers."""

    def __init__(self, folder: Path) -> None:
        ports = [lasting_port() for _ in range(9)]
        routes = tuple(ports[3:6])
        self.servers = [
            NatsServer(folder, f"n{number}", (ports[number], ports[3 + number], ports[6 + number]), routes)
            for number in range(3)
        ]

    @property
    def url(self) -> str:
        """All servers in one address, as `--bus` takes it."""
        return "nats://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def start(self) -> None:
        for server in self.servers:
            server.start()
        self.wait()

    def wait(self) -> None:
        """Wait until the servers that run agree on the leaders of JetStream and of each stream, and none is behind.

        Only then may another one be killed: one of three may be lost, and a server that still catches up is lost too.
        """
        until(self._is_whole, lambda: f"the whole cluster: {json.dumps(self._views())}", pause_s=0.1)

    def _is_whole(self) -> bool:
        running = {server.name for server in self.servers if server.is_running}
        return all(_is_whole(of_one, running) for of_one in self._views().values())

    def _views(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return what each server that runs says of each group: JetStream itself as "", and each stream."""
        found: dict[str, dict[str, dict[str, Any]]] = {"": {}}
        for server in self.servers:
            answer = server.ask("jsz?accounts=1&streams=1") if server.is_running else {}
            if "meta_cluster" in answer:
                found[""][server.name] = answer["meta_cluster"]
                for stream, view in _streams(answer):
                    found.setdefault(stream, {})[server.name] = view
        return found

    def leader_of(self, stream: str) -> NatsServer:
        """Return the server that leads a stream now."""
        found: list[NatsServer] = []

        def look() -> bool:
            views = self._views().get(stream, {})
            found[:] = [one for one in self.servers if views.get(one.name, {}).get("leader") == one.name]
            return len(found) == 1

        until(look, lambda: f"a leader of {stream}: {json.dumps(self._views())}", pause_s=0.1)
        return found[0]

    def close(self) -> None:
        for server in self.servers:
            server.close()


def _streams(answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for account in answer.get("account_details") or ():
        for one in account.get("stream_detail") or ():
            yield str(one["name"]), one.get("cluster") or {}


def _is_whole(views: dict[str, dict[str, Any]], running: set[str]) -> bool:
    """Whether a group is on all servers that run, they agree on its leader, and it says that none of them is behind."""
    leaders = {str(view.get("leader")) for view in views.values()}
    if set(views) != running or len(leaders) != 1 or not leaders <= running:
        return False
    replicas = views[min(leaders)].get("replicas") or ()
    return running - leaders <= {peer["name"] for peer in replicas if peer.get("current")}


@contextmanager
def _told(*servers: NatsServer) -> Iterator[None]:
    """Add the ends of the servers' logs to whatever goes wrong in the block."""
    try:
        yield
    except Exception as error:
        for server in servers:
            error.add_note(f"the log of {server.name}, {server.url}:\n{server.log()[-LOG_CHARS:]}")
        raise


@contextmanager
def nats_server(folder: Path, *, is_started: bool = True) -> Iterator[NatsServer]:
    """Run one server on a free port until the block ends; with `is_started` False it is started by the caller."""
    with closing(NatsServer(folder, "n0", (lasting_port(), lasting_port(), lasting_port()))) as server:
        if is_started:
            server.start()
            until(server.is_ready, server.log, pause_s=0.05)
        with _told(server):
            yield server


@contextmanager
def nats_cluster(folder: Path) -> Iterator[NatsCluster]:
    """Run three servers on free ports until the block ends."""
    with closing(NatsCluster(folder)) as cluster, _told(*cluster.servers):
        cluster.start()
        yield cluster


async def messages(url: str, stream: str, *, first: int = 1) -> list[tuple[int, str, bytes, dict[str, str]]]:
    """Return the messages of a stream: sequence, subject, payload and headers, from a sequence to the newest."""
    import nats
    from nats.js.errors import NotFoundError

    hosts = url.partition("://")[2].split(",")
    client = await nats.connect([f"nats://{host}" for host in hosts], connect_timeout=30)
    try:
        js = client.jetstream(timeout=PATIENCE_S)
        state = (await js.stream_info(stream)).state
        wanted = range(max(first, state.first_seq), state.last_seq + 1)
        found = []
        for start in range(wanted.start, wanted.stop, 64):
            part = range(start, min(start + 64, wanted.stop))
            for got in await asyncio.gather(*(js.get_msg(stream, seq) for seq in part), return_exceptions=True):
                if isinstance(got, NotFoundError):
                    continue  # removed meanwhile: a stream that keeps only the newest per subject
                if isinstance(got, BaseException):
                    raise got
                found.append((got.seq or 0, got.subject or "", got.data or b"", dict(got.headers or {})))
        return found
    finally:
        await client.close()

"""A real PostgreSQL server for the tests of the archive."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow_gl.services.archive import database
from tests.kit.ports import lasting_port
from tests.kit.waiting import PATIENCE_S


class PostgresServer:
    """A separate PostgreSQL cluster, under a user that may run one, on a free port of this machine only."""

    def __init__(self, binaries: Path) -> None:
        import pwd  # missing on Windows, where the suite is collected as well

        self._binaries = binaries
        self._directory = Path(tempfile.mkdtemp(prefix="flow_gl_pg_"))
        self._as_user: list[str] = []
        self.user = pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:  # the server refuses root
            owner = pwd.getpwnam("postgres")
            os.chown(self._directory, owner.pw_uid, owner.pw_gid)
            self._as_user = ["runuser", "-u", "postgres", "--"]
            self.user = "postgres"
        self.port = lasting_port()
        self.is_running = False
        self._data = self._directory / "data"
        self._call(
            "initdb", "-D", str(self._data), "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C"
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._directory} -F"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._directory / "log"), "-o", options, "start")
        self.is_running = True

    def stop(self) -> None:
        self._call("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")
        self.is_running = False

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}:secret-word@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make a database and return its URL."""
        self._call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", self.user, database)
        return self.url(database)

    def remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._binaries / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a running server. CI requires it; elsewhere tests that need it are skipped if it is not installed."""
    if sys.platform == "win32":
        pytest.skip("the server is started as another user, as POSIX systems do it")
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        assert not os.environ.get("CI"), "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed (make test installs it on Debian and Ubuntu)")
    server = PostgresServer(folders[-1])
    try:
        server.start()
        yield server
        if server.is_running:
            server.stop()
    finally:
        server.remove()


@pytest.fixture(autouse=True)
def patient_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a database of a busy machine time to answer."""
    for name in ("CONNECT_SECONDS", "STATEMENT_SECONDS"):
        monkeypatch.setattr(database, name, int(PATIENCE_S))


@pytest.fixture(params=["its own", "windows"])
def file_rules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with this system's rules for open files, and with those of Windows, where an open file cannot be renamed."""
    if request.param == "windows":
        if not Path("/proc/self/fd").is_dir():
            pytest.skip("open files are looked up in /proc")
        replace = Path.replace

        def refuse(path: Path, target: Path) -> Path:
            descriptors = list(Path("/proc/self/fd").iterdir())
            held = {str(one.readlink()) for one in descriptors if one.is_symlink()}
            if {str(path), str(target)} & held:
                raise PermissionError(13, "the file is open in this process", str(path))
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", refuse)
        monkeypatch.setattr("flow_gl.core.system.platform.held_files.can_replace_open_files", lambda: False)
    return str(request.param)

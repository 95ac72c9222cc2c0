"""scripts/setup.sh on a machine where something is missing: its messages, their order, and the exit code.

It runs in a copy of the checkout, with fake commands in front of the system's.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIST = "chart libAbsent.so.9 libabsent9 libAbsent absent libAbsent9\n"
LINE = "  apt-get update && apt-get install -y --no-install-recommends libabsent9"

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or sys.platform == "win32", reason="set-up is a Bash script"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout that needs a library which no machine has, on Debian without root."""
    folder = tmp_path / "flow_gl"
    (folder / "flow_gl").mkdir(parents=True)
    (folder / "scripts").mkdir()
    script = (ROOT / "scripts" / "setup.sh").read_text()
    release = tmp_path / "os-release"
    release.write_text("ID=debian\n")
    (folder / "scripts" / "setup.sh").write_text(script.replace("/etc/os-release", str(release)))
    (folder / "flow_gl" / "system_packages.txt").write_text(LIST)
    command(folder, "uname", "echo Linux")
    return folder


def command(checkout: Path, name: str, body: str) -> None:
    folder = checkout.parent / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def setup(checkout: Path, purpose: str = "demo", **variables: str) -> tuple[int, list[str], str]:
    environment = {"PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}", "HOME": str(checkout), **variables}
    done = subprocess.run(
        ["bash", str(checkout / "scripts" / "setup.sh"), purpose],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_user_without_sudo_is_given_the_line_for_root_before_anything_is_built(checkout: Path) -> None:
    command(checkout, "id", "echo 1000")
    command(checkout, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    code, said, error = setup(checkout)
    assert code == 1
    assert said[-2:] == ["setup: system packages are missing. As root, run:", LINE]
    assert "cannot work without libAbsent.so.9" in error
    assert not (checkout / ".venv").exists()


def test_only_the_reason_is_shown_of_apts_output(checkout: Path) -> None:
    command(checkout, "id", "echo 0")
    failure = "echo 'E: Unable to locate package libabsent9' >&2; exit 100"
    command(checkout, "apt-get", f"echo 'Reading package lists...'; case $* in *install*) {failure};; esac")
    code, said, _ = setup(checkout)
    assert code == 1
    assert said == [
        "setup: installing system packages: libabsent9",
        "setup: apt-get failed:",
        "  E: Unable to locate package libabsent9",
        "setup: system packages are missing. As root, run:",
        LINE,
    ]


def test_a_machine_without_a_display_does_not_need_window_libraries(checkout: Path) -> None:
    command(checkout, "id", "echo 1000")
    command(checkout, "sudo", "exit 1")
    listed = checkout / "flow_gl" / "system_packages.txt"
    listed.write_text(LIST.replace("chart", "window"))
    # It continues with Python, which is missing on this machine.
    for name in ("python3", "python", "python3.11", "python3.12", "python3.13"):
        command(checkout, name, "exit 1")
    code, said, error = setup(checkout, DISPLAY="", WAYLAND_DISPLAY="")
    assert code == 1
    assert said == []
    assert error.startswith("setup: error: Python 3.11, 3.12 or 3.13 is needed")


def test_a_machine_with_a_display_needs_window_libraries(checkout: Path) -> None:
    command(checkout, "id", "echo 1000")
    command(checkout, "sudo", "exit 1")
    listed = checkout / "flow_gl" / "system_packages.txt"
    listed.write_text(LIST.replace("chart", "window") + LIST.replace("chart", "headless").replace("Absent", "None"))
    _, _, error = setup(checkout, DISPLAY=":0")
    assert "cannot work without libAbsent.so.9" in error
    assert "libNone" not in error


def test_a_wrong_purpose_is_one_line(checkout: Path) -> None:
    assert setup(checkout, "everything") == (
        1,
        [],
        "setup: error: usage: scripts/setup.sh demo|tools|test|peers, got everything\n",
    )


@pytest.mark.parametrize(("arguments", "code"), [([], 1), (["--if-possible"], 0)])
def test_the_bare_machine_test_needs_root_and_reports_it(arguments: list[str], code: int, checkout: Path) -> None:
    for name in ("bare.sh", "debian_roots.sh"):
        shutil.copy(ROOT / "scripts" / name, checkout / "scripts")
    command(checkout, "id", "echo 1000")
    done = subprocess.run(
        ["bash", str(checkout / "scripts" / "bare.sh"), *arguments],
        env={**os.environ, "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == "bare: not done here: it takes root, to make Debian roots and to enter them\n"


def test_users_get_no_developer_tools_and_no_lock_names_a_registry() -> None:
    names = {
        path.stem: set(re.findall(r"^([\w.-]+)==", path.read_text(), re.MULTILINE))
        for path in (ROOT / "locks").glob("*.lock")
    }
    users = {"chart", "archive", "video", "alerts", "serve", "bus"}
    assert set(names) == {*users, "cluster", "build", "bundle", "dev", "peers"}
    user = set().union(*(names[one] for one in users))
    tools = {"pytest", "mypy", "ruff", "hypothesis", "hatchling", "pyinstaller"}
    assert not user & {*tools, "polars", "scipy", "matplotlib", "dask"}
    assert not {"av", "miniaudio"} & names["chart"], "the chart resolves where there are no videos and no sound"
    assert not [path.name for path in (ROOT / "locks").glob("*.lock") if "://" in path.read_text()]


def test_each_package_has_one_version_in_all_locks() -> None:
    pins = re.findall(
        r"^([\w.-]+)==(\S+)", "\n".join(path.read_text() for path in (ROOT / "locks").glob("*.lock")), re.MULTILINE
    )
    assert len(set(pins)) == len({name for name, _ in pins})

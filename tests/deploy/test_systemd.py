"""The systemd unit: without a warning, and hardened."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.prometheus import need_tools

UNITS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "systemd").glob("*.service"))
MAX_EXPOSED = 2.5


def analyze(*arguments: object) -> tuple[int, str]:
    need_tools("systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_there_is_a_unit() -> None:
    assert [unit.name for unit in UNITS] == ["flow-gl.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_verify_finds_nothing(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    # The program is installed elsewhere here, and systemd looks whether it is there.
    copy.write_text(unit.read_text().replace("/opt/flow_gl/bin/flow-gl", sys.executable))
    assert analyze("verify", "--man=no", copy) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_little_of_the_machine_is_exposed(unit: Path) -> None:
    code, text = analyze("security", "--offline=yes", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", text)
    assert code == 0, text
    assert found is not None, text
    assert float(found[1]) <= MAX_EXPOSED

"""The examples run as their first lines say and do what they claim."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = [
    "bubbles_to_dataframe",
    "bus_to_dataframe",
    "own_feed",
    "own_layer",
    "picture_without_window",
    "server_client",
    "stress_run",
]


def run(name: str, *arguments: object) -> str:
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.size == (1280, 720)
        return np.asarray(image.convert("RGB"), dtype=np.int64)


def test_every_example_is_tested() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*EXAMPLES, "command_line"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answers_help(name: str) -> None:
    answer = run(f"{name}.py", "--help")
    assert answer.startswith(f"usage: python examples/{name}.py")
    assert f"    python examples/{name}.py" in answer, "the docstring shows a call"


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("bubbles_to_dataframe", [], 2),
        ("bubbles_to_dataframe", ["a", "b"], 2),
        ("bubbles_to_dataframe", ["absent.dbn"], 1),
        ("bus_to_dataframe", [], 2),
        ("own_feed", ["3"], 2),
        ("own_layer", ["chart.jpg"], 2),
        ("picture_without_window", ["absent/chart.png"], 2),
        ("stress_run", ["many"], 2),
        ("stress_run", ["-5"], 2),
    ],
)
def test_a_wrong_argument_is_one_line(name: str, arguments: list[str], code: int, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in arguments[:1])


def test_bubbles_of_a_file_become_a_dataframe(tmp_path: Path) -> None:
    maker = TradeMaker(seed=3, symbols=("NQ",), history_s=0)
    trades = maker.take(600)
    path = tmp_path / "session.dbn.zst"
    write_dbn(path, trades, symbols=maker.symbols())
    size = trades["size"].astype(np.int64)
    cvd = size[trades["side"] == ord("B")].sum() - size[trades["side"] == ord("A")].sum()
    bubbles = len(np.unique(trades["ts_event"] // SECOND_NS))
    assert run("bubbles_to_dataframe.py", path).splitlines()[-1] == (
        f"{bubbles} bubbles, {len(trades)} trades, final CVD {cvd}"
    )


def test_the_dataframe_example_reads_a_real_day(real_data: Path) -> None:
    output = run("bubbles_to_dataframe.py", real_data / "nq-20251128.trades.dbn.zst")
    assert output.splitlines()[-1] == "15698 bubbles, 90562 trades, final CVD -3635"


def test_a_custom_feed_reaches_the_engine() -> None:
    lines = run("own_feed.py").splitlines()
    assert 3 <= len(lines) <= 5, "three seconds of trading touch three or four buckets"
    assert all("buy" in line for line in lines)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("pictures") / "plain.png"
    run("picture_without_window.py", path)
    return pixels(path)


def test_a_picture_is_drawn_without_a_window(plain: np.ndarray) -> None:
    assert len(np.unique(plain.reshape(-1, 3), axis=0)) > 200
    assert (plain[..., 1] > plain[..., 0] + 40).sum() > 500, "green: buyers"
    assert (plain[..., 0] > plain[..., 1] + 40).sum() > 500, "red: sellers"


def test_a_custom_layer_is_in_the_picture_and_changes_nothing_else(plain: np.ndarray, tmp_path: Path) -> None:
    run("own_layer.py", tmp_path / "own.png")
    is_other = (plain != pixels(tmp_path / "own.png")).any(axis=2)
    assert 1000 < is_other.sum() < 0.4 * is_other.size


def test_a_stress_run_loses_nothing() -> None:
    lines = run("stress_run.py", 500_000).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["buy", "sell", "unsided"]
    assert "a second" in lines[3]

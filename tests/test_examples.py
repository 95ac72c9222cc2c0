"""The examples run as their first lines say and do what they claim."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow_gl.core.units import SECOND_NS
from flow_gl.dbn.writing import write_dbn
from flow_gl.feed.synthetic.demo import TradeMaker
from tests.kit.waiting import PATIENCE_S

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


DRIVER = """
import contextlib, io, json, runpy, sys

def called(path, *arguments):
    sys.argv = [path, *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):  # as the interpreter does
                print(code, file=sys.stderr)
                code = 1
    return code, out.getvalue(), err.getvalue()

folder = sys.argv[1]
sys.path[0] = folder
for line in sys.stdin:
    name, arguments = json.loads(line)
    print(json.dumps(called(f"{folder}/{name}.py", *arguments)), flush=True)
"""
"""Runs examples one after another in one process, which has loaded the packages once: they take most of a start."""

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Call an example; returns its exit code, standard output and standard error."""
    command = [sys.executable, "-W", "error", "-c", DRIVER, str(ROOT / "examples")]
    where = tmp_path_factory.mktemp("examples")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=where, **pipes) as process:

        def answer(name: str, *arguments: str) -> tuple[int, str, str]:
            print(json.dumps((name, arguments)), file=process.stdin, flush=True)
            code, out, err = json.loads(process.stdout.readline())
            return code, out, err

        yield answer
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.size == (1280, 720)
        return np.asarray(image.convert("RGB"), dtype=np.int64)


def test_every_example_is_tested() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*EXAMPLES, "command_line"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answers_help(call: Call, name: str) -> None:
    code, answer, err = call(name, "--help")
    assert (code, err) == (0, "")
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
def test_a_wrong_argument_is_one_line(call: Call, name: str, arguments: list[str], code: int) -> None:
    found, out, err = call(name, *arguments)
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert all(word in err for word in arguments[:1])


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

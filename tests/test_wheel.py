"""The program works from its wheel, shaders included, without access to the source tree.

Its kernels are those of a warm-up of the same sources in this checkout: compiling them takes half a minute.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gateway.tape import KEY
from tests.kit.exchange_hours import shift_now, shifted
from tests.warm_kernels import ENGINE, folder_of_warm_up

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ("-m", "pip", "--disable-pip-version-check", "--quiet", "wheel", "--no-deps", "--no-build-isolation")
    run(sys.executable, *quiet, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("flow_gl-*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment that refers to this one's packages; return its `flow-gl`."""
    folder = tmp_path_factory.mktemp("elsewhere")
    builder = venv.EnvBuilder(with_pip=False)
    builder.create(folder / "venv")
    context = builder.ensure_directories(folder / "venv")
    python = Path(context.env_exe)
    target = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    run(sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps", wheel, cwd=folder)
    # The editable install works through its own .pth file, which is not run for a path added by another .pth.
    (target / "packages_of_the_suite.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Path(context.bin_path) / "flow-gl"


@pytest.fixture
def kernels(program: Path, tmp_path: Path) -> Path:
    """Return the installed program's folder for compiled kernels: it has those that a warm-up compiles, and no others.

    Numba names a kernel's folder by that of its source.
    """
    where = "import flow_gl.engine, pathlib; print(pathlib.Path(flow_gl.engine.__file__).parent)"
    installed = Path(run(program.with_name("python"), "-c", where, cwd=tmp_path).strip())
    found, kept = tmp_path / "kernels", folder_of_warm_up()
    for sources in {path.parent for path in ENGINE.rglob("*.py")}:
        if (compiled := kept / _name_of(sources)).is_dir():
            shutil.copytree(compiled, found / _name_of(installed / sources.relative_to(ENGINE)))
    assert found.is_dir(), "Numba names its folders in another way"
    return found


def _name_of(sources: Path) -> str:
    from numba.core.caching import UserProvidedCacheLocator

    return str(UserProvidedCacheLocator.get_suitable_cache_subpath(str(sources / "module.py")))


@pytest.mark.parametrize("folder", ["shaders", "web"])
def test_the_wheel_ships_every_shader_and_the_page(wheel: Path, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    assert {f"flow_gl/{path.relative_to(ROOT).as_posix()}" for path in files} <= names


@pytest.mark.slow
def test_nothing_is_compiled_after_the_warm_up(program: Path, kernels: Path, tmp_path: Path) -> None:
    """Neither for the first file nor in a live session: `tests.compiles` runs both with the installed program."""
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    (tmp_path / "data").mkdir()
    said = run(
        *(program.with_name("python"), "-m", "tests.compiles", tmp_path / "data"),
        cwd=tmp_path,
        **shifted(shift_now()) | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{tmp_path / 'tests' / 'clock_shift'}"},
        NUMBA_CACHE_DIR=str(kernels),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        DATABENTO_API_KEY=KEY,
    )
    found = json.loads(said.splitlines()[-1])
    assert found["left_out"] == [], "kernels that the warm-up leaves out"
    assert not found["has_scipy"], "a third of a second of each start"
    assert {name: more for name, more in found["more"].items() if more} == {}


@pytest.mark.slow
def test_the_installed_program_draws_the_market_without_the_sources(
    program: Path, kernels: Path, tmp_path: Path
) -> None:
    where = run(program.with_name("python"), "-c", "import flow_gl; print(flow_gl.__file__)", cwd=tmp_path)
    assert not Path(where.strip()).is_relative_to(ROOT / "flow_gl")
    run(
        *(program, "demo", "--headless", "--size", "960x540", "--duration", "3", "--no-caption"),
        *("--screenshot", "demo.png"),
        cwd=tmp_path,
        NUMBA_CACHE_DIR=str(kernels),
    )
    with Image.open(tmp_path / "demo.png") as image:
        assert image.size == (960, 540)
        pixels = np.asarray(image.convert("RGB"), dtype=np.int64)
    colours = np.unique(pixels.reshape(-1, 3), axis=0)
    assert len(colours) > 200, "a chart has bubbles, bars, lines and text"
    green = (pixels[..., 1] > pixels[..., 0] + 40) & (pixels[..., 1] > pixels[..., 2] + 20)
    red = (pixels[..., 0] > pixels[..., 1] + 40) & (pixels[..., 0] > pixels[..., 2] + 20)
    assert green.sum() > 500
    assert red.sum() > 500

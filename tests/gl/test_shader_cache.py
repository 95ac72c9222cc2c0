"""Mesa's shader cache is off where its disk could crash the program."""

import os
import sys
from pathlib import Path

import pytest

from flow_gl.gl.surface import shader_cache
from tests.full_disk import full_disk

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Mesa's cache is used on Linux")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE", "MESA_SHADER_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def is_off() -> bool:
    return os.environ.get("MESA_SHADER_CACHE_DISABLE") == "true"


def test_the_cache_stays_on_if_it_can_be_written(tmp_path: Path) -> None:
    shader_cache.prepare()
    assert not is_off()
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_is_off_if_the_disk_is_full() -> None:
    with full_disk(1 << 20):
        shader_cache.prepare()
    assert is_off()


def test_the_cache_is_off_if_its_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    shader_cache.prepare()
    assert is_off()


def test_a_cache_that_the_user_switched_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESA_SHADER_CACHE_DISABLE", "1")
    shader_cache.prepare()
    assert os.environ["MESA_SHADER_CACHE_DISABLE"] == "1"


def test_a_sparse_index_is_allocated_on_the_disk(tmp_path: Path) -> None:
    index = tmp_path / "cache" / "mesa_shader_cache" / "index"
    index.parent.mkdir(parents=True)
    with index.open("wb") as file:
        file.truncate(1_310_728)
    if index.stat().st_blocks * 512 >= index.stat().st_size:
        pytest.skip("this file system has no holes")
    shader_cache.settle()
    assert index.stat().st_blocks * 512 >= index.stat().st_size == 1_310_728


def test_the_cache_is_off_if_the_index_cannot_be_allocated(tmp_path: Path) -> None:
    index = tmp_path / "cache" / "mesa_shader_cache" / "index"
    index.parent.mkdir(parents=True)
    with index.open("wb") as file:
        file.truncate(1_310_728)
    with full_disk(1000):
        shader_cache.prepare()
    assert is_off()

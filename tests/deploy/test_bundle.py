"""What the bundle and its Debian package contain. `make bundle-check` tries them on systems without Python."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from flow_gl.core.system.libraries import read_list

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "deploy" / "bundle"))
    import contents

    return contents


@pytest.fixture
def bundle_deb(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for folder in ("deploy/bundle", "scripts"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    import bundle_deb

    return bundle_deb


@pytest.mark.parametrize(
    ("path", "is_shipped"),
    [
        ("libstdc++.so.6", False),
        ("libGL.so.1", False),
        ("libX11.so.6", False),
        ("libxcb.so.1", False),
        ("libz.so.1", False),
        ("libzstd.so.1", True),
        ("libpython3.11.so.1.0", True),
        ("imgui_bundle.libs/libGLX-c14481bc.so.0.0.0", True),
        ("imgui_bundle/libglfw.so.3", True),
        ("freetype/libfreetype.so", True),
        ("pyarrow/libarrow_compute.so.2600", True),
        ("pyarrow/libarrow_flight.so.2600", False),
        ("pyarrow/include/arrow/api.h", False),
        ("flow_gl/shaders/bubble.vert", True),
    ],
)
def test_what_the_graphics_driver_uses_too_comes_from_the_system(
    path: str, is_shipped: bool, contents: ModuleType
) -> None:
    assert contents.is_shipped(path) is is_shipped


def test_every_package_that_is_named_is_in_the_locks_and_no_tool_of_developers(contents: ModuleType) -> None:
    shipped = set(contents.packages_of(contents.LOCKS, ROOT / "locks"))
    assert {"numba", "imgui-bundle", "psycopg-binary", "tzdata", "aiohttp", "av", "miniaudio"} <= shipped
    assert not shipped & {"pyinstaller", "pytest", "mypy", "hatchling", "distributed"}
    script = (ROOT / "scripts" / "bundle.sh").read_text()
    assert re.findall(r"locks=\(([^)]+)\)", script) == [" ".join((*contents.LOCKS, "bundle"))]


def test_the_package_depends_on_every_library_that_a_chart_needs(bundle_deb: ModuleType, contents: ModuleType) -> None:
    found = bundle_deb.depends((2, 34))
    needed = {one.packages["debian"] for one in read_list() if one.need in ("chart", "window", "headless")}
    assert len(needed) > 10
    assert set(found) == {*needed, *contents.FROM_THE_SYSTEM.values(), "libc6 (>= 2.34)"}
    assert found == sorted(found)


def test_the_glibc_that_files_ask_for_is_found(bundle_deb: ModuleType, tmp_path: Path) -> None:
    assert bundle_deb.newest_glibc(tmp_path) == (2, 17)
    (tmp_path / "python").symlink_to(sys.executable)
    (tmp_path / "text").write_text("GLIBC_2.99")
    assert bundle_deb.newest_glibc(tmp_path) == (2, 17), "links and texts do not count"
    (tmp_path / "copy").write_bytes(Path(os.path.realpath(sys.executable)).read_bytes())
    assert (2, 17) <= bundle_deb.newest_glibc(tmp_path) < (2, 99)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="the package is made on Debian")
def test_the_package_installs_the_program_a_menu_entry_an_icon_and_a_manual(
    bundle_deb: ModuleType, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "_internal").mkdir(parents=True)
    (bundle / "flow-gl").write_text("#!/bin/sh\n")
    (bundle / "_internal" / "data").write_text("x")
    path = bundle_deb.build(bundle, tmp_path)
    listed = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True, check=True).stdout
    files = {line.split()[5].removeprefix("."): line.split()[0] for line in listed.splitlines()}
    assert files["/usr/lib/flow-gl/flow-gl"] == "-rwxr-xr-x"
    assert files["/usr/lib/flow-gl/_internal/data"] == "-rw-r--r--"
    assert files["/usr/bin/flow-gl"].startswith("l")
    assert "./usr/bin/flow-gl -> ../lib/flow-gl/flow-gl" in listed
    for name in (
        "applications/flow-gl.desktop",
        "icons/hicolor/scalable/apps/flow-gl.svg",
        "man/man1/flow-gl.1.gz",
        "doc/flow-gl/copyright",
        "doc/flow-gl/changelog.Debian.gz",
        "doc/flow-gl/examples/systemd/flow-gl.service",
    ):
        assert files[f"/usr/share/{name}"] == "-rw-r--r--", name
    assert {line.split()[1] for line in listed.splitlines()} == {"root/root"}
    control = subprocess.run(["dpkg-deb", "--field", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Package: flow-gl$", control, re.MULTILINE)
    assert "libgl1" in control
    out = tmp_path / "out"
    subprocess.run(["dpkg-deb", "--extract", path, out], check=True)
    changes = gzip.decompress((out / "usr/share/doc/flow-gl/changelog.Debian.gz").read_bytes()).decode()
    assert re.match(r"flow-gl \(\d+\.\d+\.\d+-1\) unstable; urgency=medium\n", changes)
    licence = (out / "usr/share/doc/flow-gl/copyright").read_text()
    assert "Copyright: 2026 The flow_gl authors" in licence
    assert "Permission is hereby granted" in licence


def test_the_menu_entry_starts_the_program_and_names_its_icon(bundle_deb: ModuleType) -> None:
    entry = (bundle_deb.PARTS / "flow-gl.desktop").read_text()
    assert re.findall(r"^Exec=(.+)$", entry, re.MULTILINE) == ["flow-gl", "flow-gl live", "flow-gl demo"]
    assert "\nIcon=flow-gl\n" in entry

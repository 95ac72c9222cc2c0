"""The one list of system libraries: what is missing is named with its package and the command that installs it."""

import sys
from pathlib import Path

import pytest

from flow_gl.core.system import libraries
from flow_gl.core.system.libraries import SystemLibrary

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the list is Linux's")
LIST = """
# need   name                       debian       fedora       arch    suse
chart    libc.so.6                  libc6        glibc        glibc   glibc
window   libAbsent.so.9             libabsent9   libAbsent    absent  libAbsent9
headless libAlsoAbsent.so.1|libc-absent-*.so also-absent  also-absent  also    also1
headless libAbsent2.so|libc.so.6    libabsent2   libAbsent2   absent2 libAbsent2
"""


@pytest.fixture
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "packages.txt"
    path.write_text(LIST)
    found = libraries.read_list(path)
    monkeypatch.setattr(libraries, "read_list", lambda: found)
    monkeypatch.setattr(libraries, "distribution", lambda: "debian")


def names(found: list[SystemLibrary]) -> list[str]:
    return [library.names[0] for library in found]


def test_every_line_of_the_list_has_a_package_for_each_distribution() -> None:
    found = libraries.read_list()
    assert {library.need for library in found} == {"chart", "window", "headless", "wayland", "test", "peers"}
    assert all(list(library.packages) == list(libraries.DISTRIBUTIONS) for library in found)


@LINUX
@pytest.mark.usefixtures("own_list")
def test_a_window_does_not_need_the_libraries_for_headless_pictures() -> None:
    assert names(libraries.missing("chart", "window")) == ["libAbsent.so.9"]
    assert names(libraries.missing("chart", "headless")) == ["libAlsoAbsent.so.1"], "an alternative is enough"


@LINUX
@pytest.mark.usefixtures("own_list")
@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("debian", "libAbsent.so.9 (libabsent9); as root: apt-get install libabsent9"),
        ("fedora", "libAbsent.so.9 (libAbsent); as root: dnf install libAbsent"),
        (None, "libAbsent.so.9 (libabsent9), or the equivalents of these Debian packages"),
    ],
)
def test_a_missing_library_is_named_with_its_package(
    family: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "distribution", lambda: family)
    assert libraries.advice(libraries.missing("chart", "window")) == f"missing: {command}"
    assert libraries.advice([]) == ""


@LINUX
@pytest.mark.usefixtures("own_list")
@pytest.mark.parametrize(("display", "lacking"), [(":0", "libabsent9"), ("", "also-absent")])
def test_a_failed_import_for_lack_of_a_library_names_what_to_install(
    display: str, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    error = ImportError("libX11.so.6: cannot open shared object file: No such file or directory")
    said = libraries.explain(error)
    assert said is not None
    assert said.startswith("cannot load libX11.so.6; missing: ")
    assert said.endswith(f"apt-get install {lacking}")
    assert libraries.explain(ImportError("no module named x")) is None


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ({"ID": "debian"}, "debian"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "debian"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "fedora"),
        ({"ID": "opensuse-tumbleweed", "ID_LIKE": "opensuse suse"}, "suse"),
        ({"ID": "nixos"}, None),
    ],
)
def test_derived_distributions_have_the_same_packages(
    release: dict[str, str], family: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries.platform, "freedesktop_os_release", lambda: release)
    assert libraries.distribution() == family


def test_other_systems_have_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert libraries.missing("chart", "window", "headless") == []

"""Shared libraries of the operating system: which are needed, which are missing, and how to install them.

The list is `flow_gl/system_packages.txt`, which scripts/setup.sh reads too. It covers only Linux: on other systems,
OpenGL is part of the system and the Python packages contain the other libraries. A library counts as present if the
loader finds it, even if it does not come from the distribution's packages.
"""

import ctypes
import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Need = Literal["chart", "window", "headless", "wayland"]
LIST: Final = Path(__file__).resolve().parents[2] / "system_packages.txt"
DISTRIBUTIONS: Final = ("debian", "fedora", "arch", "suse")
"""The list's columns of packages, in order."""
_FAMILY: Final = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "arch": "arch",
    "suse": "suse",
    "opensuse": "suse",
    "sles": "suse",
}
_INSTALL: Final = {
    "debian": "apt-get install",
    "fedora": "dnf install",
    "arch": "pacman -S",
    "suse": "zypper install",
}
_FOLDERS: Final = ("lib*", "lib*/dri", "lib/*", "lib/*/dri", "local/lib")
"""Folders below /usr that contain libraries loaded by path instead of by name."""
_NOT_LOADED: Final = re.compile(r"(lib[\w.+-]*\.so[.\d]*): cannot open shared object file")


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """One line of the list."""

    need: str
    names: tuple[str, ...]
    """Alternatives, of which one is enough; a name with * is a file pattern."""
    packages: dict[str, str]
    """Packages by distribution."""

    def is_found(self) -> bool:
        return any(_is_found(name) for name in self.names)


def read_list(path: Path = LIST) -> list[SystemLibrary]:
    """Return all lines of the list, in order."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return [
        SystemLibrary(need, tuple(names.split("|")), dict(zip(DISTRIBUTIONS, packages, strict=True)))
        for need, names, *packages in (words for words in lines if words and not words[0].startswith("#"))
    ]


def can_load(name: str) -> bool:
    """Return whether the loader finds a library, for example "libEGL.so.1"."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing(*needs: Need) -> list[SystemLibrary]:
    """Return the missing libraries for these needs; none on a system that the list does not cover."""
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in read_list() if library.need in needs and not library.is_found()]


def advice(libraries: list[SystemLibrary]) -> str:
    """Return a message that names libraries, their packages, and the command to install them; "" for none."""
    if not libraries:
        return ""
    family = distribution()
    packages = [library.packages[family or "debian"] for library in libraries]
    named = ", ".join(f"{one.names[0]} ({package})" for one, package in zip(libraries, packages, strict=True))
    if family is None:
        return f"missing: {named}, or the equivalents of these Debian packages"
    return f"missing: {named}; as root: {_INSTALL[family]} {' '.join(dict.fromkeys(packages))}"


def explain(error: BaseException) -> str | None:
    """Return advice for an import that failed because a shared library is missing; None for other errors."""
    found = _NOT_LOADED.search(str(error))
    if found is None:
        return None
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    lacking = advice(missing("chart", "window" if has_display else "headless"))
    return f"cannot load {found[1]}; {lacking or 'install the package that contains it'}"


def distribution() -> str | None:
    """Return the list's column for this system; None if there is none."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((_FAMILY[name] for name in names if name in _FAMILY), None)


def _is_found(name: str) -> bool:
    if "*" not in name and can_load(name):
        return True
    return any(next(Path("/usr").glob(f"{folder}/{name}"), None) for folder in _FOLDERS)

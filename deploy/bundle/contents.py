"""What the bundle contains beyond what PyInstaller finds by following imports, and what it leaves to the system."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LOCKS: Final = ("chart", "archive", "video", "alerts", "serve", "bus")
"""The locks whose packages are in the bundle: everything but the Dask client of `flow-gl detect --scheduler`."""

DATA: Final = ("flow_gl", "imgui_bundle", "desktop_notifier", "exchange_calendars", "limits")
"""Packages whose data files are shipped: shaders, the page, fonts, icons, calendars."""
UNUSED_DATA: Final = ("**/demos_*/**", "**/*.pyi", "**/*.md", "assets/app_settings/**")
LIBRARIES: Final = ("imgui_bundle", "glfw", "databento_dbn")
"""Packages whose shared libraries are loaded by path, which PyInstaller cannot see."""
SUBMODULES: Final = (
    "flow_gl",
    "dbus_fast",
    "psycopg",
    "psycopg_binary",
    "desktop_notifier.backends",
    "OpenGL.platform",
    "OpenGL.arrays",
)
"""Packages of which some modules are imported by name only."""
MODULES: Final = ("_cffi_backend", "desktop_notifier.resources", "vispy.ext.egl")

UNUSED: Final = (
    "IPython",
    "PIL",
    "distributed",
    "imgui_bundle.demos_python",
    "kiwisolver",
    "llvmlite.tests",
    "matplotlib",
    "numba.tests",
    "pyarrow._azurefs",
    "pyarrow._flight",
    "pyarrow._gcsfs",
    "pyarrow._hdfs",
    "pyarrow._orc",
    "pyarrow._s3fs",
    "pyarrow.flight",
    "pyarrow.orc",
    "pyarrow.tests",
    "scipy",
    "tkinter",
    "vispy.testing",
)
"""Modules that others import if they are there, and that flow_gl never uses."""

FROM_THE_SYSTEM: Final = {
    "libstdc++": "libstdc++6",
    "libgcc_s": "libgcc-s1",
    "libz": "zlib1g",
    "libexpat": "libexpat1",
}
"""Libraries that the graphics driver uses too, with their Debian packages. The driver needs the system's version, and a
process can load only one, so an older one in the bundle would keep the driver from loading."""
_SYSTEM: Final = re.compile(
    r"(libGL|libEGL|libOpenGL|libX|libxcb|libdrm|libfontconfig|libfreetype\.so\.6|libasound)[\w-]*\.so"
)
"""Further libraries of the driver, the window system and the sound system. Those of wheels have a hash in the name."""
_UNUSED_FILE: Final = re.compile(
    r"pyarrow/(libarrow_(flight|s3|python_flight)\.so|_(flight|s3fs|gcsfs|azurefs|hdfs|orc)\.cpython|_pyarrow_cpp_tests)"
    r"|pyarrow/(include|includes|src|tests)/|\.(pxd|pyx|h)$"
)


def is_shipped(path: str) -> bool:
    """Return whether a shared library or a data file is part of the bundle.

    Parameters
    ----------
    path : its place in the bundle
    """
    name = Path(path).name
    if name.partition(".so")[0] in FROM_THE_SYSTEM:
        return False
    is_hashed = re.search(r"-[0-9a-f]{8}\.so", name) is not None
    return is_hashed or not (_SYSTEM.match(name) or _UNUSED_FILE.search(path))


def packages_of(locks: Iterable[str], folder: Path) -> list[str]:
    """Return the packages that locks name, in order, whatever platform they are for."""
    text = "".join((folder / f"{lock}.lock").read_text() for lock in locks)
    return re.findall(r"^([\w.-]+)==", text, re.MULTILINE)

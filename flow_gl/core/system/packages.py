"""Install commands for Python packages that only a part of the program needs.

flow_gl is not on a package index, so its extras cannot be installed by name. Instead, the command lists the packages of
an extra as the metadata of flow_gl states them. This works in a checkout and after an install from the wheel.
"""

import re
import sys
from typing import Final

from flow_gl.core.system.children import is_bundle

_EXTRA: Final = re.compile(r"extra\s*==\s*['\"](\w+)['\"]")


def of_extra(extra: str) -> list[str]:
    """Return the requirements of an extra, for example "av>=18.1"; empty if flow_gl itself is not installed."""
    import importlib.metadata  # rarely needed, and slow to import

    try:
        lines = importlib.metadata.requires("flow_gl") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    parted = [line.partition(";") for line in lines]
    return [wanted.strip() for wanted, _, marker in parted if (found := _EXTRA.search(marker)) and found[1] == extra]


def install_advice(extra: str) -> str:
    """Return the command that installs an extra's packages into the running environment."""
    if is_bundle():
        return "it is not part of this package: install flow_gl with pip to use it"
    wanted = of_extra(extra)
    if not wanted:
        return f"install the packages of the extra {extra!r} in pyproject.toml"
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    quoted = " ".join('"' + one + '"' for one in wanted)
    return f"{python} -m pip install {quoted}"

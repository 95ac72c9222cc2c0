"""Python packages that only a part of the program needs: the words that install them.

flow_gl is on no package index, so its extras cannot be asked for by name; the packages themselves can, in the way that
its metadata asks for them. That holds in a checkout and after an install from the wheel.
"""

import re
import sys
from typing import Final

_EXTRA: Final = re.compile(r"extra\s*==\s*['\"](\w+)['\"]")


def of_extra(extra: str) -> list[str]:
    """The requirements of an extra, "av>=18.1"; empty where flow_gl itself is not installed."""
    import importlib.metadata  # seldom needed, and it takes longer to import than the rest of a start's small modules

    try:
        lines = importlib.metadata.requires("flow_gl") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    parted = [line.partition(";") for line in lines]
    return [wanted.strip() for wanted, _, marker in parted if (found := _EXTRA.search(marker)) and found[1] == extra]


def install_advice(extra: str) -> str:
    """The command that adds an extra's packages to the environment that is running."""
    wanted = of_extra(extra)
    if not wanted:
        return f"install the packages of the extra {extra!r} in pyproject.toml"
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    quoted = " ".join('"' + one + '"' for one in wanted)
    return f"{python} -m pip install {quoted}"

"""The font of chart and page: Roboto, from imgui-bundle."""

import importlib.util
from pathlib import Path

from flow_gl.core.errors import DisplayError


def font_path(*, is_bold: bool = False) -> Path:
    """Return the path of Roboto in imgui_bundle, without importing it. Raises DisplayError if it is missing."""
    spec = importlib.util.find_spec("imgui_bundle")
    if spec is None or spec.origin is None:
        raise DisplayError("the font is missing: imgui-bundle is not installed; install flow_gl again")
    name = "Roboto-Bold.ttf" if is_bold else "Roboto-Regular.ttf"
    path = Path(spec.origin).parent / "assets" / "fonts" / "Roboto" / name
    if not path.is_file():
        raise DisplayError(f"the font is missing: expected {path}")
    return path

"""Reads `view.json`, where earlier versions saved the view; used only if `last.toml` is missing."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from flow_gl.ui.renamed import renamed_workspace
from flow_gl.ui.workspaces.tree import Workspace

FILE: Final = "view.json"
_PLACES: Final = {
    "palette": ("look", "palette"),
    "has_cvd_candles": ("look", "cvd_candles"),
    "panels": ("panels", "open"),
    "recent_panels": ("panels", "recent"),
    "panel_places": ("panels", "place"),
    "left_column_px": ("panels", "left_px"),
    "right_column_px": ("panels", "right_px"),
    "has_transport": ("panels", "transport"),
    "cvd_share": ("layout", "cvd_share"),
    "span_s": ("time", "span_s"),
    "folding": ("time", "fold"),
    "threshold": ("bubbles", "threshold"),
    "size_floor": ("bubbles", "size_floor"),
    "percentile": ("bubbles", "percentile"),
    "size_scale": ("bubbles", "size_scale"),
    "tape_floor": ("bubbles", "tape_floor"),
    "is_muted": ("alerts", "muted"),
    "width": ("window", "width"),
    "height": ("window", "height"),
    "recent_actions": ("memory", "recent_actions"),
    "used_hints": ("memory", "used_hints"),
}
"""Table and key of the workspace by the old key."""


def read(path: Path) -> Workspace | None:
    """Return the view that an earlier version saved; None if there is none or it cannot be used. Never raises."""
    try:
        old = json.loads(path.read_bytes())
        tree: dict[str, Any] = {"layers": old.get("shown_layers", {})}
        for name, (table, key) in _PLACES.items():
            if name in old:
                tree.setdefault(table, {})[key] = old[name]
        return msgspec.convert(renamed_workspace(tree), Workspace)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None

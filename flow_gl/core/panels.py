"""The table of panels, read by settings, actions, layout and overlays.

What a panel shows is in the module of the same name in `ui.overlays.panels`.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PanelEntry:
    """A panel's row in the table.

    Attributes
    ----------
    name : of its module, its action, and in settings
    title : as the menu, the help and its tab show it
    keys : that open and close it, named as in `ui.keys.names`; the first is shown to the user
    height_px : height at which it shows everything without scrolling, at content scale 1; None if it has no place in
        a column but opens in the middle of the window
    is_opened_by_tab : Tab opens it, together with others
    """

    name: str
    title: str
    keys: tuple[str, ...]
    height_px: float | None = None
    is_opened_by_tab: bool = False


PANELS: Final = (
    PanelEntry("controls", "Controls", ("d",), 800.0, is_opened_by_tab=True),
    PanelEntry("session", "Session numbers", ("n",), 690.0, is_opened_by_tab=True),
    PanelEntry("feed", "Feed status", ("g",), 470.0, is_opened_by_tab=True),
    PanelEntry("performance", "Performance", ("p",), 430.0, is_opened_by_tab=True),
    PanelEntry("tape", "Tape: time and sales", ("o",), 620.0),
    PanelEntry("alerts", "Alerts: rules and log", ("a",), 690.0),
    PanelEntry("workspaces", "Workspaces", ("ctrl+w",), 430.0),
    PanelEntry("keys", "Keys: change them", ("ctrl+k",), 690.0),
    PanelEntry("help", "Help", ("?", "f1")),
)
"""A column, the menu and the help list the panels in this order."""
PANEL_NAMES: Final = tuple(entry.name for entry in PANELS)
HEIGHTS_PX: Final = {entry.name: entry.height_px for entry in PANELS if entry.height_px is not None}
"""Heights of the panels that dock in a column or float, in the order of a column."""
OPENED_BY_TAB: Final = tuple(entry.name for entry in PANELS if entry.is_opened_by_tab)

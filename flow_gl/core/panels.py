"""Names of the overlays' panels, used by settings, the command line and the view."""

from typing import Final

PANELS: Final = ("controls", "session", "feed", "performance")
"""Those that Tab opens together."""
PLACED: Final = (*PANELS, "tape", "alerts")
"""Those that have a place in a column or float, in the order in which a column shows them."""
NAMED: Final = (*PLACED, "help")
"""Those that can be open at the start."""

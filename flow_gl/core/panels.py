"""Names of the overlays' panels: settings and the command line name them, the view draws them."""

from typing import Final

PANELS: Final = ("controls", "session", "feed", "performance")
"""Those that Tab opens together."""
NAMED: Final = (*PANELS, "help")
"""Those that can be open at the start."""

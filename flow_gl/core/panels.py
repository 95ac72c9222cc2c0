"""Names of the overlays' panels, used by settings, the command line and the view."""

from typing import Final

PANELS: Final = ("controls", "session", "feed", "performance")
"""Those that Tab opens together."""
NAMED: Final = (*PANELS, "alerts", "help")
"""Those that can be open at the start."""

"""Every setting of the program, declared once: name, type, range, default, help, and which commands need it.

`AggregationSettings` holds the settings that the engine's results depend on. `Settings` holds these and all others.
All code that handles settings iterates over `DECLARED`: the command line builds its flags from it, `core.config` reads
TOML, `.env` and the environment with it, and the panels take ranges and help from it. This package imports neither
numpy nor pydantic, because `flow-gl --help` needs it and must start fast.
"""

from flow_gl.core.settings.aggregation import AGGREGATION, DETECTION, REGULAR, AggregationSettings, difference, merge
from flow_gl.core.settings.declaration import (
    DRAWING,
    ENGINES,
    FEED,
    HEADINGS,
    LOGS,
    MARKET,
    SERVE,
    SHOW,
    Declared,
    Setting,
)
from flow_gl.core.settings.program import DECLARED, DEFAULTS, Settings
from flow_gl.core.settings.secret import Secret

__all__ = [
    "AGGREGATION",
    "DECLARED",
    "DEFAULTS",
    "DETECTION",
    "DRAWING",
    "ENGINES",
    "FEED",
    "HEADINGS",
    "LOGS",
    "MARKET",
    "REGULAR",
    "SERVE",
    "SHOW",
    "AggregationSettings",
    "Declared",
    "Secret",
    "Setting",
    "Settings",
    "difference",
    "merge",
]

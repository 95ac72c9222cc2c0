"""Every setting of the program, declared once: name, type, range, default, help, and which commands need it.

`AggregationSettings` holds what numbers depend on; the engine takes it whole. `Settings` holds it and everything else.
Everything that handles settings walks `DECLARED`: the command line makes its flags from it, `core.config` reads TOML,
`.env` and the environment by it, and the panels take ranges and help from it. This package loads no numpy and no
pydantic, because `flow-gl --help` needs it.
"""

from flow_gl.core.settings.aggregation import AGGREGATION, AggregationSettings, difference, merge
from flow_gl.core.settings.declaration import DRAWING, FEED, HEADINGS, LOGS, MARKET, SHOW, Declared, Setting
from flow_gl.core.settings.program import DECLARED, DEFAULTS, Settings

__all__ = [
    "AGGREGATION",
    "DECLARED",
    "DEFAULTS",
    "DRAWING",
    "FEED",
    "HEADINGS",
    "LOGS",
    "MARKET",
    "SHOW",
    "AggregationSettings",
    "Declared",
    "Setting",
    "Settings",
    "difference",
    "merge",
]

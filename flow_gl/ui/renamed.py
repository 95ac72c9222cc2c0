"""Names in the user's files that earlier versions wrote differently.

Each file's reader replaces them, so a file is in today's names as soon as the program has written it again.
"""

from collections.abc import Mapping
from typing import Any, Final

ACTIONS: Final = {"own_level": "custom_level", "layer_own_levels": "layer_custom_levels"}
LAYERS: Final = {"own_levels": "custom_levels"}
RULE_LEVELS: Final = {"own": "custom"}
_WINDOWS: Final = {"further_window": "secondary_window"}


def renamed_keys(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a table with today's keys, in its order. A value under today's key wins over one under the old key."""
    return {names.get(key, key): value for key, value in table.items() if key not in names or names[key] not in table}


def renamed_workspace(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of a workspace file with today's names. Values of a wrong type stay as they are."""
    found = renamed_keys(tree, _WINDOWS)
    if isinstance(layers := found.get("layers"), dict):
        found["layers"] = renamed_keys(layers, LAYERS)
    memory = found.get("memory")
    if isinstance(memory, dict) and isinstance(recent := memory.get("recent_actions"), list):
        found["memory"] = {**memory, "recent_actions": [_renamed(one, ACTIONS) for one in recent]}
    if isinstance(windows := found.get("secondary_window"), list):
        found["secondary_window"] = [renamed_workspace(one) if isinstance(one, dict) else one for one in windows]
    return found


def renamed_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of an alert rule with today's names."""
    return {**rule, "level": _renamed(rule["level"], RULE_LEVELS)} if "level" in rule else dict(rule)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    return names.get(value, value) if isinstance(value, str) else value

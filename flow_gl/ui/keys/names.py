"""The names of keys: as the action table and the file of keys write them, and as the user sees them.

A name is a key with the modifiers held: "a", "f5", "up_arrow", "ctrl+shift+k". A single character that is no letter or
digit ("?", "[") names the typed character, because its place depends on the keyboard's layout.
"""

from typing import Final

MODIFIERS: Final = ("ctrl", "alt", "shift")
"""In the order in which a name has them. Command (Super) counts as Ctrl."""
_LABELS: Final = {
    "up_arrow": "Up",
    "down_arrow": "Down",
    "left_arrow": "Left",
    "right_arrow": "Right",
    "page_up": "PgUp",
    "page_down": "PgDn",
    "escape": "Esc",
    "delete": "Del",
    "insert": "Ins",
    "ctrl": "Ctrl",
    "alt": "Alt",
    "shift": "Shift",
}
_ALIASES: Final = {
    "up": "up_arrow",
    "down": "down_arrow",
    "left": "left_arrow",
    "right": "right_arrow",
    "esc": "escape",
    "del": "delete",
    "ins": "insert",
    "pgup": "page_up",
    "pgdn": "page_down",
    "control": "ctrl",
    "cmd": "ctrl",
}
NAMED: Final = (
    *("space", "escape", "enter", "tab", "backspace", "insert", "delete", "home", "end", "menu"),
    *("right_arrow", "left_arrow", "down_arrow", "up_arrow", "page_up", "page_down"),
    *(f"f{number}" for number in range(1, 13)),
)
"""Keys with a name of more than one character."""
_KEYS: Final = frozenset({*NAMED, *"abcdefghijklmnopqrstuvwxyz0123456789"})


def is_character(name: str) -> bool:
    """Whether a name denotes a typed character and not a key."""
    return len(name) == 1 and not name.isalnum()


def split(name: str) -> tuple[frozenset[str], str]:
    """Return a name's modifiers and its key."""
    if is_character(name):
        return frozenset(), name
    *modifiers, key = name.split("+")
    return frozenset(modifiers), key


def join(modifiers: frozenset[str], key: str) -> str:
    """Return the name of a key with modifiers."""
    return "+".join([*(one for one in MODIFIERS if one in modifiers), key])


def normal(text: str) -> str | None:
    """Return the name that a user's spelling denotes; None if there is no such key."""
    text = text.strip()
    if is_character(text) and text.isprintable() and text != " ":
        return text
    *given, key = (_ALIASES.get(part, part) for part in text.lower().split("+"))
    modifiers = frozenset(given)
    if key not in _KEYS or not modifiers <= set(MODIFIERS) or len(modifiers) != len(given):
        return None
    return join(modifiers, key)


def label(name: str) -> str:
    """Return a name as shown to the user: Ctrl+Left, PgDn, A."""
    if is_character(name):
        return name
    return "+".join(_LABELS.get(part, part.capitalize()) for part in name.split("+"))

"""The pending capture of a key by the keys panel."""

from dataclasses import dataclass


@dataclass(slots=True)
class KeyCapture:
    """The keys panel waits for a key.

    Attributes
    ----------
    action : that gets the key
    instead_of : the key of the action that it replaces; "" adds one
    pressed : name of the key that was pressed, until the panel has taken it
    conflict : a key of another action that was pressed once; pressed again, it is taken
    """

    action: str
    instead_of: str = ""
    pressed: str = ""
    conflict: str = ""

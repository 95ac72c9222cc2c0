"""Sanitise text from outside (a gateway, a file, a file name) before it is shown or stored.

One rule everywhere: one line of printable characters, truncated at the end. Control characters, escape sequences, and
characters that reverse or hide their neighbours never reach a window, a terminal, a log or a table.
"""

from typing import Final

LINE_CHARS: Final = 240
"""Maximum length of a message, characters."""
NAME_CHARS: Final = 70
"""Maximum length of an instrument's name, characters: the room in a DBN file."""
_ODD: Final = "?"
_CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
_SPARE: Final = 8
_FORMULA: Final = frozenset("=+-@")


def plain(text: str | bytes, limit: int = LINE_CHARS) -> str:
    """Return one printable line of at most `limit` characters; a longer text is cut and ends in an ellipsis.

    Parameters
    ----------
    text : any text; bytes are read as UTF-8
    limit : maximum length in characters, including the ellipsis
    """
    head = text[: _SPARE * limit + 64]  # runs of blanks collapse, so read a bit more; but never a megabyte
    if isinstance(head, bytes):
        head = head.decode("utf-8", "replace")
    shown = head if head.isprintable() else "".join(map(_printable, head))
    line = " ".join(shown.split())
    is_cut = len(line) > limit or len(text) > len(head)
    return line[: limit - 1].rstrip() + _CUT if is_cut else line


def name(text: str | bytes) -> str:
    """Return an instrument's name as it may be stored: printable ASCII, at most `NAME_CHARS` characters.

    Other characters become question marks, so that a recording under this name can be read again (`is_name`). A real
    exchange's name is returned unchanged.
    """
    line = plain(text.partition(b"\0")[0] if isinstance(text, bytes) else text.partition("\0")[0], NAME_CHARS + 1)
    return "".join(c if " " <= c <= "~" else _ODD for c in line)[:NAME_CHARS]


def is_name(text: str) -> bool:
    """Return whether files and feeds accept this text as an instrument's name: printable ASCII."""
    return bool(text) and text.isascii() and text.isprintable()


def cell(text: str) -> str:
    """Return a text that is safe in a spreadsheet: an apostrophe precedes anything that would be read as a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else _ODD

"""Sanitise text from outside (a gateway, a file, a file name) before it is shown or stored.

One rule everywhere: one line of printable characters, truncated at the end. Control characters, escape sequences, and
characters that reverse or hide their neighbours never reach a window, a terminal, a log or a table.
"""

from typing import Final

LINE_CHARS: Final = 240
"""Most characters of one message."""
NAME_CHARS: Final = 70
"""Most characters of an instrument's name: what a DBN file has room for."""
_ODD: Final = "?"
_CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
_SPARE: Final = 8
_FORMULA: Final = frozenset("=+-@")


def plain(text: str | bytes, limit: int = LINE_CHARS) -> str:
    """One printable line of at most `limit` characters; what is too long is cut at its end, marked by an ellipsis.

    Parameters
    ----------
    text : any text; bytes are read as UTF-8
    limit : most characters, the ellipsis counted
    """
    head = text[: _SPARE * limit + 64]  # blanks that fall together may make room; a megabyte is not looked through
    if isinstance(head, bytes):
        head = head.decode("utf-8", "replace")
    shown = head if head.isprintable() else "".join(map(_printable, head))
    line = " ".join(shown.split())
    is_cut = len(line) > limit or len(text) > len(head)
    return line[: limit - 1].rstrip() + _CUT if is_cut else line


def name(text: str | bytes) -> str:
    """An instrument's name as it may be kept: printable ASCII, at most `NAME_CHARS`.

    What a name cannot hold becomes a question mark, so that whatever is recorded under it can be read again
    (`is_name`). A name of a real exchange is returned unchanged.
    """
    line = plain(text.partition(b"\0")[0] if isinstance(text, bytes) else text.partition("\0")[0], NAME_CHARS + 1)
    return "".join(c if " " <= c <= "~" else _ODD for c in line)[:NAME_CHARS]


def is_name(text: str) -> bool:
    """Whether files and feeds take this text as an instrument's name: printable ASCII."""
    return bool(text) and text.isascii() and text.isprintable()


def cell(text: str) -> str:
    """Text for a table that a spreadsheet may open: what it would take for a formula begins with an apostrophe."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else _ODD

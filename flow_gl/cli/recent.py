"""The files and servers that were opened last, in `recent.toml` in the user's settings folder.

A file that cannot be read counts as empty: it never stops a start, and the next feed that is opened replaces it.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from flow_gl.core.log import get_logger
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole

MAX_FILES: Final = 8
_HEAD: Final = "# Files and servers that flow_gl opened last, the newest first.\n"


class Recent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feed that was opened.

    Attributes
    ----------
    values : absolute paths of the files, or the server's address
    """

    kind: Literal["files", "server"]
    values: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=1000)]


class _File(msgspec.Struct):
    recent: list[Recent] = []


def default_path() -> Path:
    """Return the path of `recent.toml` in the user's settings folder."""
    return folders.config_dir() / "recent.toml"


def load(path: Path) -> list[Recent]:
    """Return the feeds that were opened last, the newest first. Never raises."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(data, _File).recent[:MAX_FILES]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as error:
        get_logger("view").warning("%s cannot be read (%s); no recent files are listed", path, error)
        return []


def note(path: Path, opened: Recent) -> None:
    """Put a feed at the beginning of the list. Never raises: a list that cannot be saved is as it was."""
    kept = [opened, *(one for one in load(path) if one != opened)][:MAX_FILES]
    lines = [_HEAD]
    for one in kept:
        values = json.dumps(list(one.values), ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f'\n[[recent]]\nkind = "{one.kind}"\nvalues = {values}\n')
    try:
        write_whole(path, "".join(lines).encode())
    except (OSError, ValueError) as error:  # a file name may not be valid text
        get_logger("view").warning("cannot save %s: %s", path, error)

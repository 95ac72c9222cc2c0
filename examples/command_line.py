"""The command line shared by the examples: `--help`, and errors in one line.

Not an example itself.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flow_gl.core.errors import FlowError

USAGE_CODE = 2


def count(word: str) -> int:
    """Parse a positive integer. Raises ValueError."""
    number = int(word.replace("_", ""))
    if number <= 0:
        raise ValueError
    return number


def picture(word: str) -> Path:
    """Parse the path of a PNG in an existing folder. Raises ValueError."""
    path = Path(word)
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise ValueError
    return path


def start(
    main: Callable[..., Any], about: str | None, usage: str, *kinds: Callable[[str], Any], least: int = 0
) -> None:
    """Run an example with its arguments.

    Parameters
    ----------
    main : takes the arguments in order
    about : the example's docstring, which `--help` prints
    usage : script and arguments, "stress_run.py [TRADES]"
    kinds : the parser of each argument; raises ValueError if it is invalid
    least : number of required arguments
    """
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words):
        print(f"usage: python examples/{usage}\n\n{(about or '').strip()}")
        return
    if not least <= len(words) <= len(kinds):
        _end(f"usage: python examples/{usage}, got {' '.join(words) or 'no argument'}")
    values = []
    for kind, word in zip(kinds, words, strict=False):
        try:
            values.append(kind(word))
        except ValueError:
            _end(f"usage: python examples/{usage}, got {word!r}")
    try:
        main(*values)
    except (FlowError, OSError) as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")


def _end(line: str) -> None:
    print(line, file=sys.stderr)
    sys.exit(USAGE_CODE)

"""Merge the alert rules of two programs that are open at once.

Rules are compared by name; of several with one name, the first with the first. What only one program has changed since
it read the file counts. Where both have changed a rule, both versions are kept, the other program's switched off.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from flow_gl.ui.alerts.rules import Rule

_Named = dict[tuple[str, int], Rule]


@dataclass(frozen=True, slots=True)
class Content:
    """The contents of the rules' file."""

    rules: tuple[Rule, ...]
    volume: float


def merged(known: Content, ours: Content, theirs: Content) -> tuple[Content, list[str]]:
    """Return the file's content with our changes, and the names of the rules that both have changed.

    Parameters
    ----------
    known : this program's rules when it last read or wrote the file
    ours : this program's rules now
    theirs : the file's content now
    """
    before, here, there = _named(known.rules), _named(ours.rules), _named(theirs.rules)
    rules: list[Rule] = []
    both: list[str] = []
    for at, mine in here.items():
        base, other = before.get(at), there.get(at)
        if other is None:
            rules += [mine] if base is None or mine != base else []  # the other program deleted what we did not change
        elif mine in (base, other):
            rules.append(other)
        elif other == base:
            rules.append(mine)
        else:
            rules += [mine, msgspec.structs.replace(other, on=False)]
            both.append(mine.name)
    # What we deleted is gone, unless the other program has changed it.
    rules += [other for at, other in there.items() if at not in here and other != before.get(at)]
    volume = ours.volume if ours.volume != known.volume else theirs.volume
    return Content(tuple(rules), volume), both


def _named(rules: Iterable[Rule]) -> _Named:
    found: _Named = {}
    count: dict[str, int] = {}
    for rule in rules:
        number = count.get(rule.name, 0)
        count[rule.name] = number + 1
        found[rule.name, number] = rule
    return found

"""Fuzzy search: the letters of a query in their order, best where they begin words or follow each other."""

from typing import Final, NamedTuple

_START: Final = 8
"""Points for a letter at the beginning of a word, ..."""
_NEXT: Final = 7
"""... right behind the letter before, ..."""
_FIRST: Final = 4
"""... at the beginning of the text."""
_GAP: Final = 1
"""Points lost for each letter skipped between two that match, up to `_MAX_GAP`."""
_MAX_GAP: Final = 3


class Match(NamedTuple):
    """How a text matches a query.

    Attributes
    ----------
    score : higher is better
    places : indices of the text's letters that match, ascending
    """

    score: int
    places: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """Return how a text matches a query; None if it does not. An empty query matches everything with 0.

    Every word of the query must match, each anywhere in the text. Case does not matter.
    """
    score, places = 0, set[int]()
    lower = text.lower()
    for word in query.lower().split():
        found = _best(word, lower)
        if found is None:
            return None
        score += found.score
        places.update(found.places)
    return Match(score, tuple(sorted(places)))


def _best(word: str, text: str) -> Match | None:
    """Return the best match of a word: the best score for each letter's place, from those of the letter before."""
    if len(word) > len(text):
        return None
    before: dict[int, Match] = {}
    for number, letter in enumerate(word):
        found: dict[int, Match] = {}
        for at in (at for at, other in enumerate(text) if other == letter):
            points = 1 + _points(text, at)
            if number == 0:
                found[at] = Match(points, (at,))
                continue
            ends = [
                Match(
                    one.score + points + (_NEXT if last == at - 1 else -_GAP * min(at - last - 1, _MAX_GAP)),
                    (*one.places, at),
                )
                for last, one in before.items()
                if last < at
            ]
            if ends:
                found[at] = max(ends)
        if not found:
            return None
        before = found
    return max(before.values(), key=lambda one: one.score)


def _points(text: str, at: int) -> int:
    if at == 0:
        return _START + _FIRST
    return _START if not text[at - 1].isalnum() else 0

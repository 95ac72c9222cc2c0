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
    """A match of a text with a query.

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
    if not _is_in(word, text):
        return None  # a fast test that rules out most texts
    before: dict[int, tuple[int, tuple[int, ...]]] = {}
    for number, letter in enumerate(word):
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        at = text.find(letter)
        while at >= 0:
            points = 1 + _points(text, at)
            if number == 0:
                found[at] = points, (at,)
            elif ends := [
                (score + points + (_NEXT if last == at - 1 else -_GAP * min(at - last - 1, _MAX_GAP)), places)
                for last, (score, places) in before.items()
                if last < at
            ]:
                score, places = max(ends)
                found[at] = score, (*places, at)
            at = text.find(letter, at + 1)
        before = found
    return Match(*max(before.values(), key=lambda one: one[0]))


def _is_in(word: str, text: str) -> bool:
    """Return whether the letters of a word are in a text in their order."""
    at = 0
    for letter in word:
        at = text.find(letter, at) + 1
        if at == 0:
            return False
    return True


def _points(text: str, at: int) -> int:
    if at == 0:
        return _START + _FIRST
    return _START if not text[at - 1].isalnum() else 0

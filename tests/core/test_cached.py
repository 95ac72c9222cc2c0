"""A cached value is made again only when its key has changed."""

import pytest

from flow_gl.core.cached import Cached


def test_a_value_is_made_once_per_key() -> None:
    cached: Cached[int] = Cached()
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [cached.get(key, make) for key in ((1, 2), (1, 2), (1, 3), (1, 2))] == [0, 0, 1, 2]


def test_none_is_a_key_like_any_other() -> None:
    cached: Cached[str] = Cached()
    assert cached.get(None, lambda: "first") == "first"
    assert cached.get(None, lambda: "second") == "first"


def test_a_cleared_value_is_made_again() -> None:
    cached: Cached[str] = Cached()
    cached.get("key", lambda: "first")
    cached.forget()
    assert cached.get("key", lambda: "second") == "second"


def test_a_failure_is_not_cached() -> None:
    cached: Cached[int] = Cached()
    cached.get("old", lambda: 7)
    with pytest.raises(ZeroDivisionError):
        cached.get("new", lambda: 1 // 0)
    assert cached.get("new", lambda: 2) == 2
    with pytest.raises(ZeroDivisionError):
        cached.get("old", lambda: 1 // 0)

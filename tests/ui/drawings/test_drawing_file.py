"""The file of drawings: readable, forgiving, and shared by two programs."""

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.drawings import COLOR_NAMES, CustomLevel
from flow_gl.ui.drawings import drawing_file
from flow_gl.ui.drawings.drawing_file import load, text_of

LEVEL = CustomLevel("a1", 25_400_250_000_000, "Weekly high", "blue", 1_764_340_288 * 10**9)


def test_a_level_comes_back_as_it_was_and_the_file_can_be_read_by_a_person(tmp_path):
    path = tmp_path / "drawings.toml"
    kept = load(path)
    assert (kept.book.by_root(), kept.warning) == ({}, "")
    kept.book.put("NQ", [LEVEL])
    kept.book.put("NQZ5-NQH6", [CustomLevel("b2", -1_050_000_000)])
    assert kept.save() == ""
    again = load(path)
    assert (again.book.by_root(), again.warning) == (kept.book.by_root(), "")
    text = path.read_text()
    for line in ("price = 25400.25", 'name = "Weekly high"', 'color = "blue"', "since = 2025-11-28T14:31:28Z"):
        assert line in text
    assert "price = -1.05" in text


def test_what_has_not_changed_is_not_written(tmp_path):
    kept = load(tmp_path / "drawings.toml")
    assert kept.save() == ""
    assert not (tmp_path / "drawings.toml").exists()


names = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
levels = st.builds(
    CustomLevel,
    id=st.text("0123456789abcdef", min_size=1, max_size=8),
    price=st.integers(-(2**56) + 1, 2**56 - 1),
    name=names,
    color=st.sampled_from(COLOR_NAMES),
    since_ns=st.integers(0, 4 * 10**9).map(lambda seconds: seconds * 10**9),
)


@given(st.lists(levels, max_size=5, unique_by=lambda one: one.id))
def test_any_name_price_and_time_can_be_written_and_read(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("levels") / "drawings.toml"
    path.write_text(text_of({"NQ": tuple(found)} if found else {}), encoding="utf-8")
    kept = load(path)
    assert kept.warning == ""
    assert kept.book.levels("NQ") == tuple(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[level]\n", "damaged"),
        ("\x00", "damaged"),
        ("level = 3\n", "[[level]]"),
        ("[[level]]\nprice = 3\n", "symbol"),
        ("[[level]]\nsymbol = 'NQ'\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = nan\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 'high'\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = true\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 1e300\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 1.00000000001\n", "price"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 3\ncolor = 'mud'\n", "color"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 3\nsince = 'today'\n", "since"),
        ("[[level]]\nsymbol = 'NQ'\nprice = 3\nwidth = 2\n", "width"),
        ("[[rectangle]]\nprice = 3\n", "rectangle"),
    ],
)
def test_what_cannot_be_used_is_reported_in_one_line_and_kept_aside(tmp_path, text, word):
    path = tmp_path / "drawings.toml"
    good = "" if "damaged" in word or "level = 3" in text else "[[level]]\nsymbol = 'ES'\nprice = 6800\n\n"
    path.write_text(good + text)
    kept = load(path)
    assert word in kept.warning
    assert str(path) in kept.warning
    assert "\n" not in kept.warning
    assert bool(kept.book.levels("ES")) == bool(good)
    assert path.read_text() == good + text, "reading changes nothing"
    kept.book.put("NQ", [LEVEL])
    assert kept.save() == ""
    assert (tmp_path / "drawings.toml.damaged").read_text() == good + text
    again = load(path)
    assert again.warning == ""
    assert again.book.levels("NQ") == (LEVEL,)
    assert bool(again.book.levels("ES")) == bool(good)


def test_a_second_damaged_file_does_not_displace_the_first(tmp_path):
    path = tmp_path / "drawings.toml"
    for text in ("first [", "second ["):
        path.write_text(text)
        kept = load(path)
        kept.book.put("NQ", [LEVEL])
        kept.save()
    assert (tmp_path / "drawings.toml.damaged").read_text() == "first ["
    assert (tmp_path / "drawings.toml.damaged-2").read_text() == "second ["


def test_a_level_written_by_hand_needs_a_symbol_and_a_price_only(tmp_path):
    path = tmp_path / "drawings.toml"
    path.write_text("[[level]]\nsymbol = 'NQ'\nprice = 25400\n\n[[level]]\nsymbol = 'NQ'\nprice = 25401.5\n")
    kept = load(path)
    assert kept.warning == ""
    first, second = kept.book.levels("NQ")
    assert (first.price, second.price) == (25_400 * 10**9, 25_401_500_000_000)
    assert first.id != second.id
    path.write_text(path.read_text().replace("[[level]]", "[[level]]\nid = 'x'"))
    assert len({one.id for one in load(path).book.levels("NQ")}) == 2, "each drawing has an id of its own"


def test_two_programs_each_keep_what_the_other_has_done(tmp_path):
    path = tmp_path / "drawings.toml"
    start = load(path)
    start.book.put("NQ", [LEVEL, CustomLevel("a2", 10**9)])
    start.save()
    here, there = load(path), load(path)
    here.book.put("NQ", [CustomLevel("a2", 10**9), CustomLevel("a3", 2 * 10**9)])  # a1 deleted, a3 placed
    assert here.save() == ""
    there.book.put("NQ", [LEVEL, CustomLevel("a2", 5 * 10**9)])  # a2 moved
    there.book.put("ES", [CustomLevel("b1", 10**9)])
    assert there.save() == ""
    found = load(path).book
    assert {one.id: one.price for one in found.levels("NQ")} == {"a2": 5 * 10**9, "a3": 2 * 10**9}
    assert [one.id for one in found.levels("ES")] == ["b1"]


def test_a_file_that_vanished_or_was_damaged_meanwhile_is_written_whole(tmp_path):
    path = tmp_path / "drawings.toml"
    kept = load(path)
    kept.book.put("NQ", [LEVEL])
    kept.save()
    for spoil in (path.unlink, lambda: path.write_text("[")):
        spoil()
        kept.book.put("ES", [*kept.book.levels("ES"), CustomLevel(f"b{kept.book.version}", 10**9)])
        assert kept.save() == ""
        assert load(path).book.by_root() == kept.book.by_root()


def test_a_file_that_cannot_be_written_is_reported_in_one_line(tmp_path):
    (tmp_path / "folder").write_text("a file where a folder should be")
    kept = load(tmp_path / "folder" / "drawings.toml")
    kept.book.put("NQ", [LEVEL])
    problem = kept.save()
    assert "cannot" in problem
    assert "drawings.toml" in problem
    assert "\n" not in problem


def test_a_price_of_whole_points_is_written_without_an_exponent():
    text = text_of({"NQ": (CustomLevel("a", 20_000 * 10**9),)})
    assert "price = 20000\n" in text
    assert tomllib.loads(text, parse_float=Decimal)["level"][0]["price"] == 20_000


def test_the_head_names_the_colours():
    assert all(name in text_of({}) for name in COLOR_NAMES)
    assert drawing_file.default_path().name == "drawings.toml"

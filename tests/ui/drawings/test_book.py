"""Changes of custom levels: the alert rule follows the level, and every step can be taken back."""

from dataclasses import replace
from decimal import Decimal

import pytest

from flow_gl.core.alerts import MAX_RULES, Condition, Level
from flow_gl.core.drawings import MAX_LEVELS, CustomLevel
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.drawings.book import DrawingBook, DrawingEdits, alert_of, new_id
from flow_gl.ui.state.history import History, Step

LEVEL = CustomLevel("a1", 25_400_250_000_000)


@pytest.fixture
def edits():
    found = DrawingEdits(DrawingBook(), RuleBook([Rule(name="mine", when="bubble", least=5)]), History())
    found.place("NQ", LEVEL)
    return found


def alert(edits):
    found = alert_of(edits.rules, "a1")
    return None if found is None else found[1]


def test_a_levels_alert_is_a_rule_on_its_price_for_all_charts_of_its_root(edits):
    assert edits.set_alert("NQ", "a1", is_on=True) == ""
    rule = alert(edits)
    assert (rule.name, rule.price, rule.symbol) == ("Custom level 25,400.25", Decimal("25400.25"), "NQ")
    (_, engine_rule) = edits.rules.for_engine()
    assert (engine_rule.condition, engine_rule.level, engine_rule.price) == (Condition.LEVEL, Level.CUSTOM, LEVEL.price)
    assert engine_rule.holds_for("NQZ5", "NQ.v.0")
    assert engine_rule.holds_for("NQH6", "NQH6")
    assert not engine_rule.holds_for("MNQZ5", "MNQ.v.0")


def test_the_alert_moves_with_its_level_and_keeps_what_the_user_chose(edits):
    edits.set_alert("NQ", "a1", is_on=True)
    number, rule = alert_of(edits.rules, "a1")
    edits.rules.put(number, Rule(**{**{f: getattr(rule, f) for f in rule.__struct_fields__}, "cool_down_s": 99.0}))
    edits.change("NQ", replace(LEVEL, price=25_500 * 10**9, name="High"))
    assert (alert(edits).price, alert(edits).name, alert(edits).cool_down_s) == (Decimal(25_500), "High", 99.0)
    assert alert_of(edits.rules, "a1")[0] == number


def test_the_alert_goes_with_its_level_and_comes_back_with_it(edits):
    edits.set_alert("NQ", "a1", is_on=True)
    before = edits.rules.for_engine()
    edits.delete("NQ", "a1")
    assert (edits.book.levels("NQ"), alert(edits), len(edits.rules.rules())) == ((), None, 1)
    assert edits.history.undo() == "deletion of a custom level undone"
    assert edits.book.levels("NQ") == (LEVEL,)
    assert edits.rules.for_engine() == before
    assert edits.history.redo() == "deletion of a custom level redone"
    assert (edits.book.levels("NQ"), alert(edits)) == ((), None)


def test_each_step_is_undone_and_redone_alone_and_other_rules_stay(edits):
    moved = replace(LEVEL, price=25_500 * 10**9)
    edits.change("NQ", moved)
    edits.set_alert("NQ", "a1", is_on=True)
    edits.place("ES", CustomLevel("b1", 10**9))
    states = []
    while said := edits.history.undo():
        assert "undone" in said
        states.append((edits.book.levels("NQ"), alert(edits) is not None, edits.book.levels("ES")))
    assert states == [((moved,), True, ()), ((moved,), False, ()), ((LEVEL,), False, ()), ((), False, ())]
    while edits.history.redo():
        pass
    assert (edits.book.levels("NQ"), alert(edits).price) == ((moved,), Decimal(25_500))
    assert len(edits.book.levels("ES")) == 1
    assert edits.rules.rules()[0].name == "mine"


def test_an_alert_that_is_switched_off_is_no_rule_any_more(edits):
    edits.set_alert("NQ", "a1", is_on=True)
    edits.set_alert("NQ", "a1", is_on=False)
    assert alert(edits) is None
    edits.history.undo()
    assert alert(edits).on


def test_what_changes_nothing_is_no_step(edits):
    edits.change("NQ", LEVEL)
    edits.change("NQ", replace(LEVEL, id="gone"))
    edits.delete("NQ", "gone")
    edits.set_alert("NQ", "a1", is_on=False)
    edits.set_alert("NQ", "gone", is_on=True)
    assert edits.history.undo() == "custom level undone"
    assert edits.history.undo() == ""


def test_a_new_change_forgets_what_was_undone(edits):
    edits.history.undo()
    edits.place("NQ", CustomLevel("a2", 10**9))
    assert edits.history.redo() == ""


def test_an_undo_without_effect_continues_to_the_step_before(edits):
    edits.history.add(Step(lambda: "", lambda: "never"))
    assert edits.history.undo() == "custom level undone"
    assert edits.book.levels("NQ") == ()


def test_full_lists_are_reported(edits):
    for at in range(MAX_LEVELS - 1):
        assert edits.place("NQ", CustomLevel(new_id(), at)) == ""
    assert "100 custom levels" in edits.place("NQ", CustomLevel(new_id(), 1))
    for _ in range(MAX_RULES - 1):
        edits.rules.add(Rule(name="x", when="bubble", least=5))
    assert f"{MAX_RULES} alert rules" in edits.set_alert("NQ", "a1", is_on=True)


def test_the_link_between_rule_and_level_outlives_a_restart(edits, tmp_path):
    edits.set_alert("NQ", "a1", is_on=True)
    path = tmp_path / "alerts.toml"
    path.write_text(rule_file.text_of(rule_file.content_of(edits.rules)))
    again = DrawingEdits(edits.book, rule_file.load(path).book, History())
    again.change("NQ", replace(LEVEL, price=10**9))
    assert alert(again).price == Decimal(1)

"""Changes of own levels: the alert rule follows the level, and every step can be taken back."""

from dataclasses import replace
from decimal import Decimal

import pytest

from flow_gl.core.alerts import MAX_RULES, Condition, Level
from flow_gl.core.drawings import MAX_LEVELS, OwnLevel
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.drawings.book import Desk, DrawingBook, alert_of, new_id
from flow_gl.ui.state.history import History, Step

LEVEL = OwnLevel("a1", 25_400_250_000_000)


@pytest.fixture
def desk():
    found = Desk(DrawingBook(), RuleBook([Rule(name="mine", when="bubble", least=5)]), History())
    found.place("NQ", LEVEL)
    return found


def alert(desk):
    found = alert_of(desk.rules, "a1")
    return None if found is None else found[1]


def test_a_levels_alert_is_a_rule_on_its_price_for_all_charts_of_its_root(desk):
    assert desk.set_alert("NQ", "a1", is_on=True) == ""
    rule = alert(desk)
    assert (rule.name, rule.price, rule.symbol) == ("Own level 25,400.25", Decimal("25400.25"), "NQ")
    (_, engine_rule) = desk.rules.for_engine()
    assert (engine_rule.condition, engine_rule.level, engine_rule.price) == (Condition.LEVEL, Level.OWN, LEVEL.price)
    assert engine_rule.holds_for("NQZ5", "NQ.v.0")
    assert engine_rule.holds_for("NQH6", "NQH6")
    assert not engine_rule.holds_for("MNQZ5", "MNQ.v.0")


def test_the_alert_moves_with_its_level_and_keeps_what_the_user_chose(desk):
    desk.set_alert("NQ", "a1", is_on=True)
    number, rule = alert_of(desk.rules, "a1")
    desk.rules.put(number, Rule(**{**{f: getattr(rule, f) for f in rule.__struct_fields__}, "cool_down_s": 99.0}))
    desk.change("NQ", replace(LEVEL, price=25_500 * 10**9, name="High"))
    assert (alert(desk).price, alert(desk).name, alert(desk).cool_down_s) == (Decimal(25_500), "High", 99.0)
    assert alert_of(desk.rules, "a1")[0] == number


def test_the_alert_goes_with_its_level_and_comes_back_with_it(desk):
    desk.set_alert("NQ", "a1", is_on=True)
    before = desk.rules.for_engine()
    desk.delete("NQ", "a1")
    assert (desk.book.levels("NQ"), alert(desk), len(desk.rules.rules())) == ((), None, 1)
    assert desk.history.undo() == "deletion of an own level undone"
    assert desk.book.levels("NQ") == (LEVEL,)
    assert desk.rules.for_engine() == before
    assert desk.history.redo() == "deletion of an own level redone"
    assert (desk.book.levels("NQ"), alert(desk)) == ((), None)


def test_each_step_is_undone_and_redone_alone_and_other_rules_stay(desk):
    moved = replace(LEVEL, price=25_500 * 10**9)
    desk.change("NQ", moved)
    desk.set_alert("NQ", "a1", is_on=True)
    desk.place("ES", OwnLevel("b1", 10**9))
    states = []
    while said := desk.history.undo():
        assert "undone" in said
        states.append((desk.book.levels("NQ"), alert(desk) is not None, desk.book.levels("ES")))
    assert states == [((moved,), True, ()), ((moved,), False, ()), ((LEVEL,), False, ()), ((), False, ())]
    while desk.history.redo():
        pass
    assert (desk.book.levels("NQ"), alert(desk).price) == ((moved,), Decimal(25_500))
    assert len(desk.book.levels("ES")) == 1
    assert desk.rules.rules()[0].name == "mine"


def test_an_alert_that_is_switched_off_is_no_rule_any_more(desk):
    desk.set_alert("NQ", "a1", is_on=True)
    desk.set_alert("NQ", "a1", is_on=False)
    assert alert(desk) is None
    desk.history.undo()
    assert alert(desk).on


def test_what_changes_nothing_is_no_step(desk):
    desk.change("NQ", LEVEL)
    desk.change("NQ", replace(LEVEL, id="gone"))
    desk.delete("NQ", "gone")
    desk.set_alert("NQ", "a1", is_on=False)
    desk.set_alert("NQ", "gone", is_on=True)
    assert desk.history.undo() == "own level undone"
    assert desk.history.undo() == ""


def test_a_new_change_forgets_what_was_undone(desk):
    desk.history.undo()
    desk.place("NQ", OwnLevel("a2", 10**9))
    assert desk.history.redo() == ""


def test_an_undo_without_effect_goes_on_to_the_step_before(desk):
    desk.history.add(Step(lambda: "", lambda: "never"))
    assert desk.history.undo() == "own level undone"
    assert desk.book.levels("NQ") == ()


def test_full_lists_are_said(desk):
    for at in range(MAX_LEVELS - 1):
        assert desk.place("NQ", OwnLevel(new_id(), at)) == ""
    assert "100 own levels" in desk.place("NQ", OwnLevel(new_id(), 1))
    for _ in range(MAX_RULES - 1):
        desk.rules.add(Rule(name="x", when="bubble", least=5))
    assert f"{MAX_RULES} alert rules" in desk.set_alert("NQ", "a1", is_on=True)


def test_the_link_between_rule_and_level_outlives_a_restart(desk, tmp_path):
    desk.set_alert("NQ", "a1", is_on=True)
    path = tmp_path / "alerts.toml"
    path.write_text(rule_file.text_of(rule_file.content_of(desk.rules)))
    again = Desk(desk.book, rule_file.load(path).book, History())
    again.change("NQ", replace(LEVEL, price=10**9))
    assert alert(again).price == Decimal(1)

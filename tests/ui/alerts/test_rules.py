"""The file of alert rules, and what a rule says and sends to the engine."""

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.alerts import Condition, Level
from flow_gl.core.commands import SetAlerts, decode, encode
from flow_gl.core.event_kinds import EVENT_WORDS, EventKind
from flow_gl.ui.alerts import rule_file
from flow_gl.ui.alerts.rule_merge import Content
from flow_gl.ui.alerts.rules import Rule, RuleBook
from flow_gl.ui.alerts.templates import DEFAULT_RULES, TEMPLATES


def test_without_a_file_the_default_rules_apply(tmp_path):
    kept = rule_file.load(tmp_path / "alerts.toml")
    assert (kept.book.rules(), kept.warning) == (list(DEFAULT_RULES), "")
    assert [rule.sentence for rule in DEFAULT_RULES] == ["CVD zero cross"]


@pytest.mark.parametrize(
    ("symbol", "price", "text"),
    [
        ("NQ", "25475.5", "25,475.50"),
        ("NQZ5", "25475", "25,475.00"),
        ("YM", "43010", "43,010"),
        ("NQ", "25475.125", "25,475.125"),
        ("ZN", "110.5", "110.5"),
    ],
)
def test_a_rule_names_its_price_with_the_decimals_of_its_instrument(symbol, price, text):
    rule = Rule(name="own", when="level", price=Decimal(price), symbol=symbol)
    assert rule.sentence == f"{symbol}: price reaches {text}"


def test_every_template_is_read_back_from_the_file_unchanged(tmp_path):
    path = tmp_path / "alerts.toml"
    own = Rule(
        name='a "quoted" \\ name\t\x7f', when="level", price=Decimal("25000.25"), symbol="NQ", direction="bearish"
    )
    book = RuleBook([*TEMPLATES, own], volume=0.25)
    path.write_text(rule_file.text_of(rule_file.content_of(book)))
    kept = rule_file.load(path)
    assert (kept.book.rules(), kept.warning, kept.book.volume) == ([*TEMPLATES, own], "", 0.25)


@given(st.text(min_size=1, max_size=60), st.decimals(-(10**6), 10**6, places=4), st.floats(0, 86400))
def test_any_name_price_and_cool_down_is_read_back(name, price, cool_down_s):
    rule = Rule(name=name, when="level", price=price, cool_down_s=cool_down_s)
    text = rule_file.text_of(Content((rule,), 0.5))
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # half of a surrogate pair is not valid text
    data = tomllib.loads(text, parse_float=Decimal)
    assert rule_file._rule(data["rule"][0]) == rule


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[rule]\n", "damaged"),
        ("\x00", "damaged"),
        ("rule = 3\n", "[[rule]]"),
        ("[[rule]]\nname = 'x'\n", "when"),
        ("[[rule]]\nname = 'x'\nwhen = 'bubble'\n", "least"),
        ("[[rule]]\nname = 'x'\nwhen = 'level'\n", "price"),
        ("[[rule]]\nname = 'x'\nwhen = 'level'\nprice = nan\n", "price"),
        ("[[rule]]\nname = 'x'\nwhen = 'event'\ncolour = 'red'\n", "colour"),
        ("[[rule]]\nname = 'x'\nwhen = 'event'\ncool_down_s = -1\n", "cool_down_s"),
        ("[[rule]]\nname = 'x'\nwhen = 'event'\nevent = 'storm'\n", "absorption"),
        ("volume = 3\n", "volume"),
        ("loudness = 3\n", "loudness"),
    ],
)
def test_a_damaged_file_gives_one_clear_line_and_never_stops_the_start(tmp_path, text, word):
    path = tmp_path / "alerts.toml"
    path.write_text(text)
    kept = rule_file.load(path)
    assert str(path) in kept.warning
    assert word in kept.warning
    assert "\n" not in kept.warning
    assert path.read_text() == text


def test_a_rule_can_wait_for_every_kind_of_event():
    for kind in EventKind:
        rule = Rule(name="x", when="event", event=kind.name.lower())
        found = rule.for_engine(1)
        assert found is not None
        assert (found.event, rule.sentence) == (kind, EVENT_WORDS[kind])


def test_one_bad_rule_leaves_the_others_in_force_and_the_old_file_is_kept(tmp_path):
    path = tmp_path / "alerts.toml"
    text = "[[rule]]\nname = 'good'\nwhen = 'cvd'\nleast = 100\n[[rule]]\nname = 'bad'\nwhen = 'moon'\n"
    path.write_text(text)
    kept = rule_file.load(path)
    assert [rule.name for rule in kept.book.rules()] == ["good"]
    assert "rule 2 'bad'" in kept.warning
    assert kept.save() == ""
    assert path.read_text() == text, "nothing has changed"
    kept.book.set_volume(0.5)
    assert kept.save() == ""
    assert (tmp_path / "alerts.toml.damaged").read_text() == text
    assert rule_file.load(path).warning == ""


def test_an_unwritable_folder_is_reported_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    kept = rule_file.load(tmp_path / "file" / "alerts.toml")
    kept.book.set_volume(0.5)
    problem = kept.save()
    assert "cannot save the alert rules" in problem
    assert "\n" not in problem


def test_the_engine_gets_the_rules_that_are_on_and_that_it_can_evaluate():
    book = RuleBook(
        [
            Rule(name="a", when="event", event="absorption", least=1.5, direction="bearish", cool_down_s=2.5),
            Rule(name="b", on=False, when="cvd", least=10),
            Rule(name="c", when="level", level="custom", price=Decimal("25000.25"), symbol="NQ"),
            Rule(name="d", when="feed"),
            Rule(name="e", when="level", level="vah"),
        ]
    )
    first, own, vah = book.for_engine()
    assert (first.id, first.condition, first.event, first.direction) == (1, Condition.EVENT, EventKind.ABSORPTION, -1)
    assert (first.least, first.cool_down_ns) == (1.5, 2_500_000_000)
    assert (own.id, own.price, own.level, own.symbol) == (3, 25_000_250_000_000, Level.CUSTOM, "NQ")
    assert (vah.id, vah.level) == (5, Level.VAH)
    command = SetAlerts(book.for_engine())
    assert decode(encode(command)) == command


def test_ids_are_never_reused():
    book = RuleBook(DEFAULT_RULES)
    second = book.add(DEFAULT_RULES[0])
    book.delete(second)
    assert book.add(DEFAULT_RULES[0]) == second + 1
    assert book.get(second) is None

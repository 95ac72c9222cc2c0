"""Rules that can be added with one click. Those that are on are the rules of a user who has none of his own."""

from typing import Final

from flow_gl.ui.alerts.rules import LEVEL_WORDS, LevelName, Rule


def _level(level: LevelName) -> Rule:
    return Rule(name=f"Price at {LEVEL_WORDS[level]}", on=False, when="level", level=level, cool_down_s=60.0)


TEMPLATES: Final = (
    Rule(name="CVD zero cross", when="event", event="zero_cross"),
    Rule(name="Large trade", on=False, when="event", event="large_trade", least=100),
    Rule(name="Absorption", on=False, when="event", event="absorption", least=1.5),
    Rule(name="Delta divergence", on=False, when="event", event="divergence"),
    Rule(name="Stacked imbalance", on=False, when="event", event="stacked_imbalance", least=4),
    _level("poc"),
    _level("vah"),
    _level("val"),
    _level("vwap"),
    _level("prior_high"),
    _level("prior_low"),
    _level("overnight_high"),
    _level("overnight_low"),
    _level("initial_high"),
    _level("initial_low"),
    Rule(name="CVD beyond 5,000", on=False, when="cvd", least=5000, cool_down_s=60.0),
    Rule(name="Bubble of 300 contracts", on=False, when="bubble", least=300),
    Rule(name="Second of 500 contracts", on=False, when="second_volume", least=500),
    Rule(name="Delta of 300 in a second", on=False, when="second_delta", least=300),
    Rule(name="Connection lost", on=False, when="feed", state="lost", do=("sound", "flash", "notify", "log")),
)
DEFAULT_RULES: Final = tuple(rule for rule in TEMPLATES if rule.on)
"""The rules before the user has changed any."""

"""Alerts panel: the rules, each with a switch, a test and a form to edit it; below them the log of what fired."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.core.schema import PRICE_SCALE
from flow_gl.ui.alerts.center import AlertCenter, Now
from flow_gl.ui.alerts.entries import Entry
from flow_gl.ui.alerts.rules import (
    ACT_WORDS,
    EVENT_CHOICES,
    FEED_WORDS,
    LEVEL_WORDS,
    WAYS,
    WHEN_WORDS,
    Rule,
)
from flow_gl.ui.alerts.templates import TEMPLATES
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content
from flow_gl.ui.paint.theme import sign_color, u32
from flow_gl.ui.state.axes import EDGE_SHARE, FixedTime
from flow_gl.ui.state.view_state import ViewState

MAX_LISTED: Final = 200
_PLACE: Final = 0.55
"""Position in the plot of an alert's time after a click on it, 0 (left) to 1 (right)."""
_MIN_WORDS: Final = {
    "event": "least strength",
    "cvd": "contracts",
    "bubble": "contracts",
    "second_volume": "contracts",
    "second_delta": "contracts",
}


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=AlertPanel().fill)


class AlertPanel:
    """The panel, with the rule that is being edited."""

    def __init__(self) -> None:
        self._edited: int | None = None
        self._draft: dict[str, Any] = {}
        self._error = ""

    def fill(self, frame: Frame, state: ViewState) -> list[Command]:
        """Draw the panel's content. Changed rules reach the engine through the alert center."""
        center = frame.alerts
        imgui.push_item_width(imgui.get_content_region_avail().x * 0.56)
        _, state.is_muted = imgui.checkbox(f"mute  {key_label(state.keys, 'mute')}", state.is_muted)
        changed, percent = base.slider("volume", f"{center.book.volume:.0%}", 100 * center.book.volume, (0.0, 100.0))
        if changed:
            center.book.set_volume(percent / 100)
        if center.problem:
            base.colored(center.problem, state.palette.attention)
        self._rules(center, frame, state)
        imgui.pop_item_width()
        base.heading("Log")
        _log(center, frame, state)
        return []

    def _rules(self, center: AlertCenter, frame: Frame, state: ViewState) -> None:
        base.heading("Rules")
        for number, rule in center.book.items():
            imgui.push_id(number)
            changed, is_on = imgui.checkbox("##on", rule.on)
            if changed:
                center.book.put(number, msgspec.structs.replace(rule, on=is_on))
            imgui.same_line()
            is_edited = self._edited == number
            room = imgui.get_content_region_avail().x - imgui.calc_text_size("test").x - 26.0 * frame.gui_scale
            if imgui.selectable(rule.name, is_edited, 0, (max(room, 40.0), 0.0))[0]:
                self._edit(None if is_edited else number, rule)
            base.hint(f"{rule.sentence}\nclick to edit")
            imgui.same_line()
            if imgui.small_button("test"):
                center.test(rule, Now(frame.wall_ns, frame.event_ns, state.is_muted))
            if self._edited == number:
                self._form(center, number, state)
            elif rule.sentence.lower() != rule.name.lower():
                base.colored(f"      {rule.sentence}", state.palette.quiet)
            imgui.pop_id()
        if imgui.begin_combo("add", "a rule..."):
            for at, template in enumerate(TEMPLATES):
                if imgui.selectable(f"{template.name}##{at}", False)[0]:
                    rule = msgspec.structs.replace(template, on=True)
                    self._edit(center.book.add(rule), rule)
            if imgui.selectable("Price at a custom level", False)[0]:
                price = _last_price(frame)
                rule = Rule(name=f"Price at {price:,}", when="level", level="custom", price=price)
                self._edit(center.book.add(rule), rule)
            imgui.end_combo()

    def _edit(self, number: int | None, rule: Rule) -> None:
        self._edited, self._draft, self._error = number, msgspec.structs.asdict(rule), ""

    def _form(self, center: AlertCenter, number: int, state: ViewState) -> None:
        draft = self._draft
        before = dict(draft)
        imgui.indent()
        _, draft["name"] = imgui.input_text("name", draft["name"])
        _condition(draft)
        _, draft["cool_down_s"] = imgui.input_double("cool-down, s", draft["cool_down_s"], 0.0, 0.0, "%.10g")
        chosen = []
        for at, (act, word) in enumerate(ACT_WORDS.items()):
            if at % 2:
                imgui.same_line()
            if imgui.checkbox(word, act in draft["do"])[1]:
                chosen.append(act)
        draft["do"] = tuple(chosen)
        if imgui.small_button("delete"):
            center.book.delete(number)
            self._edited = None
        imgui.same_line()
        if imgui.small_button("done"):
            self._edited = None
        if draft != before:
            self._error = ""
            try:
                center.book.put(number, msgspec.convert(draft, Rule))
            except msgspec.ValidationError as error:
                self._error = str(error)
        if self._error:
            base.colored(self._error, state.palette.attention)
        imgui.unindent()


def _condition(draft: dict[str, Any]) -> None:
    """Draw what a rule waits for, and change it in the draft."""
    if draft["drawing"]:
        imgui.text_wrapped("price reaches a custom level; the rule follows that level")
        draft["direction"] = _combo("direction", draft["direction"], {way: way for way in WAYS})
        return
    draft["when"] = when = _combo("when", draft["when"], WHEN_WORDS)
    if when == "event":
        draft["event"] = _combo("event", draft["event"], EVENT_CHOICES)
    elif when == "level":
        draft["level"] = _combo("level", draft["level"], LEVEL_WORDS)
        if draft["level"] == "custom":
            draft["price"] = _price_input(draft["price"])
    elif when == "feed":
        draft["state"] = _combo("state", draft["state"], FEED_WORDS)
        return
    if when in _MIN_WORDS:
        _, draft["least"] = imgui.input_double(_MIN_WORDS[when], draft["least"], 0.0, 0.0, "%.10g")
    draft["direction"] = _combo("direction", draft["direction"], {way: way for way in WAYS})
    _, draft["symbol"] = imgui.input_text("symbol", draft["symbol"])
    base.hint("root (NQ), contract (NQZ5) or continuous symbol (NQ.v.0); empty for all charts")


def _combo(label: str, value: str, choices: "dict[Any, str]") -> str:
    keys: Sequence[Any] = list(choices)
    _, at = imgui.combo(label, keys.index(value), list(choices.values()))
    return str(keys[at])


def _price_input(price: Decimal | None) -> Decimal | None:
    changed, text = imgui.input_text("price", "" if price is None else f"{price:f}")
    if not changed:
        return price
    try:
        found = Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return price
    return found if found.is_finite() else price


def _last_price(frame: Frame) -> Decimal:
    """Return the last price of the first chart, points."""
    market = frame.charts[0].market if frame.charts else None
    if market is None or not market.session["trade_count"]:
        return Decimal(0)
    return Decimal(int(market.session["last_price"])) / PRICE_SCALE


def _log(center: AlertCenter, frame: Frame, state: ViewState) -> None:
    if not center.entries:
        base.colored("no alert has fired yet; \u201ctest\u201d tries a rule", state.palette.quiet)
        return
    listed = list(center.entries)[-MAX_LISTED:][::-1]
    clipper = imgui.ListClipper()
    clipper.begin(len(listed))
    while clipper.step():
        for at in range(clipper.display_start, clipper.display_end):
            entry = listed[at]
            imgui.push_id(at)
            _entry(entry, frame, state)
            imgui.pop_id()
    clipper.end()


def _entry(entry: Entry, frame: Frame, state: ViewState) -> None:
    palette = state.palette
    base.colored(words.clock(entry.ts_event), palette.quiet)
    imgui.same_line()
    color = sign_color(palette, entry.direction) if entry.direction else palette.text
    imgui.push_style_color(imgui.Col_.text.value, u32(color))
    is_clicked = imgui.selectable(f"{entry.name}  {entry.rule}", False)[0]
    imgui.pop_style_color()
    outcome = f"  ({entry.outcome})" if entry.outcome else ""
    base.hint(f"{words.day(entry.ts_event)}{outcome}; click to see it on the chart")
    base.colored(f"      {entry.text}", palette.quiet)
    if is_clicked and entry.chart >= 0:
        show(entry, frame, state)


def show(entry: Entry, frame: Frame, state: ViewState) -> None:
    """Show the place of an alert on its chart."""
    of_feed = frame.link.markets
    market = of_feed[entry.chart] if entry.chart < len(of_feed) else None
    index = next((at for at, one in enumerate(frame.markets) if one is market), None)
    if index is None:  # the market has no chart
        return
    if state.selected not in (0, index + 1):
        state.selected = index + 1
    width = frame.charts[0].layout.price.width if frame.charts else 0.0
    edge_ns = entry.ts_event + int((EDGE_SHARE - _PLACE) * width * state.time.ns_per_px)
    if edge_ns < frame.event_ns:
        state.time.anchor = FixedTime(edge_ns)
    else:
        state.time.follow()
    state.charts[index].price.reset()

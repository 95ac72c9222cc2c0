"""Controls panel: bubble filter, size and colour threshold, time span, bucket width, layers, palette, engine rules.

Only the last section changes numbers, because it sets the engine's rules; its heading says so.
"""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command, Configure
from flow_gl.core.palette import CUSTOM_SLOTS, NO_COLORS, PALETTES, hex_of
from flow_gl.core.settings import AGGREGATION, DECLARED, REGULAR
from flow_gl.layers.base import LAYERS
from flow_gl.layers.labels.words import bucket_text
from flow_gl.layers.rows.hit import hidden_count
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content
from flow_gl.ui.state.text_size import TEXT_SIZES
from flow_gl.ui.state.timeline import FOLDINGS, Folding
from flow_gl.ui.state.view_state import ViewState

_SPANS_S: Final = (30, 60, 180, 600, 1800, 3600, 4 * 3600, 24 * 3600)
_COLOR_FLAGS: Final[int] = imgui.ColorEditFlags_.no_inputs.value | imgui.ColorEditFlags_.no_tooltip.value
_FOLDINGS: Final[dict[Folding, str]] = {
    "closed": "closed hours",
    "all": "closed hours, halts",
    "none": "nothing",
}


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=fill)


def fill(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the panel's content and return the user's changes to the engine's rules."""
    imgui.push_item_width(imgui.get_content_region_avail().x * 0.52)
    _bubbles(frame, state)
    _time(frame, state)
    _layers(state)
    commands = _rules(frame, state)
    imgui.pop_item_width()
    return commands


def _bubbles(frame: Frame, state: ViewState) -> None:
    filters = state.filters
    base.heading("Bubbles")
    percent = filters.threshold * 100
    changed, percent = base.slider("colour from", f"{percent:.0f} % delta", percent, (0.0, 60.0))
    base.hint(
        "a bubble is coloured by side when |buy - sell| exceeds this share of buy + sell; less for buckets above 1 s"
    )
    if changed:
        filters.threshold = percent / 100
    is_share = filters.percentile > 0
    if is_share:
        share = f"{filters.percentile:.0f} %"
        _, filters.percentile = base.slider("hide smallest", share, filters.percentile, (1.0, 99.0))
        base.hint("of the session's bubbles, by contracts; only hides them, no number changes")
    else:
        contracts = f"{filters.size_floor:,} contracts"
        changed, floor = base.slider("hide below", contracts, filters.size_floor, (0.0, 500.0), is_log=True)
        if changed:
            filters.size_floor = max(0, round(floor))
        base.hint("only hides bubbles: CVD, profile and all other numbers do not change")
    changed, is_share = imgui.checkbox("by share of bubbles", is_share)
    if changed:
        filters.percentile = 50.0 if is_share else 0.0
    hidden = sum(hidden_count(chart.scene) for chart in frame.charts if chart.scene is not None)
    if hidden:
        imgui.same_line()
        base.right(f"{hidden:,} hidden", state.palette.attention)
    size = f"x {filters.size_scale:.2f}"
    _, filters.size_scale = base.slider("disc size", size, filters.size_scale, (0.25, 4.0), is_log=True)


def _time(frame: Frame, state: ViewState) -> None:
    base.heading("Time")
    if not frame.charts:
        return
    width = frame.charts[0].layout.price.width
    span_s = state.time.ns_per_px * width / 1e9
    timeline = state.charts[frame.charts[0].index].timeline
    changed, span_s = base.slider("span", words.span(span_s), span_s, (10.0, 30 * 86400.0), is_log=True)
    if changed:
        state.time.set_span(span_s * 1e9, width, frame.event_ns, timeline)
    for index, seconds in enumerate(_SPANS_S):
        if index % 4:
            imgui.same_line()
        if imgui.small_button(f"{words.span(seconds)}##span"):
            state.time.set_span(seconds * 1e9, width, frame.event_ns, timeline)
    scene = frame.charts[0].scene
    if scene is None:
        return
    shown = bucket_text(scene.reader.widths_ns[scene.lod])
    locked = state.locked_lod
    label = f"{shown}, by zoom" if locked is None else f"{shown}, locked"
    if imgui.begin_combo("bucket", label):
        if imgui.selectable("by zoom", locked is None)[0]:
            state.lock_to(None)
        for lod, width_ns in enumerate(scene.reader.widths_ns):
            if imgui.selectable(bucket_text(width_ns), locked == lod)[0]:
                state.lock_to(lod)
        imgui.end_combo()
    base.hint("zoomed out, bubbles are merged into wider buckets; volume is conserved")
    _folding(state)


def _folding(state: ViewState) -> None:
    changed, index = imgui.combo("fold", FOLDINGS.index(state.folding), [_FOLDINGS[name] for name in FOLDINGS])
    if changed:
        state.folding = FOLDINGS[index]
    base.hint(DECLARED["folding"].setting.help)


def _layers(state: ViewState) -> None:
    base.heading("Show")
    shown = state.filters.layers
    widest = max(imgui.calc_text_size(title).x for title in LAYERS.values()) + 3.2 * imgui.get_font_size()
    columns = max(1, int(imgui.get_content_region_avail().x / widest))
    if imgui.begin_table("layers", columns):
        for name, title in LAYERS.items():
            imgui.table_next_column()
            changed, is_on = imgui.checkbox(title, name in shown)
            if changed:
                (shown.add if is_on else shown.discard)(name)
        imgui.end_table()
    names = list(PALETTES)
    changed, index = imgui.combo("palette", names.index(state.palette.name), names)
    if changed:
        state.choose_palette(names[index])
    _colors(state)
    _text_size(state)
    _, state.filters.has_cvd_candles = imgui.checkbox("CVD as candles", state.filters.has_cvd_candles)
    _, state.is_muted = imgui.checkbox("mute alerts", state.is_muted)


def _colors(state: ViewState) -> None:
    """Choose custom colours in place of the palette's; one with which text would not be legible is refused."""
    for at, (name, slot) in enumerate(CUSTOM_SLOTS.items()):
        if at % 2:
            imgui.same_line(0.5 * imgui.get_content_region_avail().x)
        changed, color = imgui.color_edit3(name, list(getattr(state.palette, slot)), _COLOR_FLAGS)
        if changed:
            state.color_problem = state.choose_colors(**{name: hex_of((color[0], color[1], color[2]))})
    if state.color_problem:
        imgui.push_text_wrap_pos(0.0)
        base.colored(state.color_problem, state.palette.attention)
        imgui.pop_text_wrap_pos()
    if state.custom_colors != NO_COLORS and imgui.small_button("colours of the palette"):
        state.custom_colors, state.color_problem = NO_COLORS, ""
        state.choose_palette(state.palette.name)


def _text_size(state: ViewState) -> None:
    """Choose the size of text and lines. A slider would move away under the mouse, because it grows with them."""
    if imgui.begin_combo("text size", f"{100 * state.text_size:.0f} %"):
        for size in TEXT_SIZES:
            if imgui.selectable(f"{100 * size:.0f} %", state.text_size == size)[0]:
                state.text_size = size
        imgui.end_combo()
    base.hint("size of text and lines, relative to the monitor's scale (--text-size)")


def _rules(frame: Frame, state: ViewState) -> list[Command]:
    """Draw the engine's rules, which change the numbers of every chart; return the changes."""
    base.heading("Rules: these change numbers")
    commands: list[Command] = []
    arm = AGGREGATION["arm"].setting
    is_changed, contracts = imgui.input_int(arm.label, int(_shown(state, "arm")), 10, 100)
    commands += _edit(state, "arm", max(int(arm.ge or 0), contracts), is_changed=is_changed)
    base.hint(arm.help)
    step = AGGREGATION["value_area_step"].setting
    in_force = _in_force(frame, "step")
    for choice, title in ((1, "one row"), (2, "two rows")):
        if imgui.radio_button(title, in_force == choice):
            commands.append(Configure({"value_area_step": choice}))
        base.hint(step.help)
        imgui.same_line()
    imgui.text_disabled(step.label)
    hours = AGGREGATION["session_profile"].setting
    is_regular = _in_force(frame, "is_regular")
    for title, value, is_on in (("Globex", "globex", is_regular == 0), ("regular hours", REGULAR, is_regular == 1)):
        if imgui.radio_button(title, is_on):
            commands.append(Configure({"session_profile": value}))
        base.hint(hours.help)
        imgui.same_line()
    imgui.text_disabled(hours.label)
    area = AGGREGATION["value_area"].setting
    percent = _shown(state, "value_area") * 100
    is_changed, percent = base.slider(area.label, f"{percent:.0f} %", percent, (50.0, 95.0))
    commands += _edit(state, "value_area", percent / 100, is_changed=is_changed)
    base.hint(area.help)
    return commands


def _shown(state: ViewState, name: str) -> float:
    """Return the value to show for a setting: the one being edited, else the one last requested."""
    value: float = state.edited.get(name, getattr(state.aggregation, name))
    return value


def _edit(state: ViewState, name: str, value: float, *, is_changed: bool) -> list[Command]:
    """Store the last item's value while it is edited; return the command once the user has finished."""
    if is_changed:
        state.edited[name] = value
    if not imgui.is_item_deactivated_after_edit():
        return []
    value = state.edited.pop(name, value)
    return [Configure({name: value})] if AGGREGATION[name].is_valid(value) else []


def _in_force(frame: Frame, name: str) -> int:
    """Return a field of the first chart's profile; -1 if there is none."""
    market = next((chart.market for chart in frame.charts if isinstance(chart, ChartFrame) and chart.market), None)
    return int(market.profile[name]) if market is not None else -1

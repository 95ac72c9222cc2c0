"""Between the view's state and a workspace: `gather` reads the state, `apply` changes it; `override` applies settings.

`gather_window` and `apply_window` do the same for what belongs to one of several windows.

A workspace contains nothing that refers to one market's numbers (pause, marked range, reference points).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import msgspec

from flow_gl.core.comparison import THOUSANDTHS, Comparison
from flow_gl.core.palette import CUSTOM_SLOTS, CustomColors
from flow_gl.core.panels import PANEL_NAMES
from flow_gl.core.settings import Settings
from flow_gl.core.units import SECOND_NS
from flow_gl.layers.base import LAYER_OF_EVENT, LAYERS, SHOWN_AT_FIRST
from flow_gl.ui.alerts.rules import RuleBook
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.arrangement import Arrangement
from flow_gl.ui.state.chart_state import ChartState
from flow_gl.ui.state.comparison import ChartLook
from flow_gl.ui.state.hints import Hints
from flow_gl.ui.state.panel_layout import PanelPlaces
from flow_gl.ui.state.picture_options import PictureOptions
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces.tree import (
    Alerts,
    Bubbles,
    Chart,
    Layout,
    Look,
    Memory,
    Panels,
    Time,
    WindowPlace,
    WindowState,
    Workspace,
)

_SPAN_S: Final = (1.0, 1e7)
_NO_WINDOW: Final = WindowPlace()


def gather(
    state: ViewState,
    *,
    window: WindowPlace = _NO_WINDOW,
    plot_width_px: float,
    symbols: Sequence[str] = (),
    secondary: Sequence[WindowState] = (),
) -> Workspace:
    """Return the workspace of a state.

    Parameters
    ----------
    plot_width_px : width of the first chart's plot; 0 without charts
    symbols : the charts' symbols as requested, in order
    secondary : the program's secondary windows
    """
    return Workspace(
        **_tables(state, window, plot_width_px, symbols), alerts=_switches(state), secondary_window=list(secondary)
    )


def gather_window(
    state: ViewState, *, window: WindowPlace = _NO_WINDOW, plot_width_px: float, symbols: Sequence[str] = ()
) -> WindowState:
    """Return a window's state. The parameters are those of `gather`."""
    return WindowState(**_tables(state, window, plot_width_px, symbols))


def _tables(state: ViewState, window: WindowPlace, plot_width_px: float, symbols: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a `WindowState`."""
    shown_ns = state.time.span_ns if state.time.is_growing else state.time.ns_per_px * plot_width_px
    span_s = shown_ns / SECOND_NS
    filters, places = state.filters, state.panel_places
    return {
        "window": window,
        "layout": Layout(
            charts=state.arrangement.kind,
            alone=state.selected,
            cvd_share=state.cvd_share,
            compare_share=state.comparison_share,
            link=state.link_unit,
            shares={name: list(shares) for name, shares in state.arrangement.shares},
        ),
        "look": Look(
            palette=state.palette.name,
            colors={name: color for name, color in asdict(state.custom_colors).items() if color},
            text_size=state.text_size,
            cvd_candles=filters.has_cvd_candles,
        ),
        "time": Time(
            span_s=min(max(span_s, _SPAN_S[0]), _SPAN_S[1]) if span_s > 0 else Time().span_s,
            fold=state.folding,
            bucket=-1 if state.locked_lod is None else state.locked_lod,
            linked=state.is_time_linked,
        ),
        "bubbles": Bubbles(
            threshold=filters.threshold,
            size_floor=filters.size_floor,
            percentile=filters.percentile,
            size_scale=filters.size_scale,
            tape_floor=filters.tape_floor,
        ),
        "layers": {name: name in filters.layers for name in LAYERS},
        "panels": Panels(
            open=sorted(state.open_panels),
            hidden=state.are_panels_hidden,
            recent=list(places.recent),
            left_px=places.left_px,
            right_px=places.right_px,
            transport=state.transport.is_shown,
            place=dict(places.places),
        ),
        "chart": [_chart(symbol, state.charts[at : at + 1]) for at, symbol in enumerate(symbols)],
    }


def apply(state: ViewState, workspace: Workspace, *, plot_width_px: float = 0.0) -> None:
    """Show a workspace in the main window. Names that this version does not know are ignored.

    Parameters
    ----------
    plot_width_px : width of the first chart's plot; 0 before the first frame
    """
    apply_window(state, workspace, plot_width_px=plot_width_px)
    state.is_muted = workspace.alerts.muted
    _switch_rules(state.drawings.rules, workspace.alerts)


def apply_window(state: ViewState, workspace: WindowState, *, plot_width_px: float = 0.0) -> None:
    """Show what a workspace keeps of a window. Parameters as of `apply`."""
    look, time, bubbles, panels = workspace.look, workspace.time, workspace.bubbles, workspace.panels
    state.custom_colors = CustomColors(**{name: look.colors.get(name, "") for name in CUSTOM_SLOTS})
    state.choose_palette(look.palette)
    state.text_size = look.text_size
    state.arrangement = Arrangement(
        workspace.layout.charts, tuple((name, tuple(shares)) for name, shares in workspace.layout.shares.items())
    )
    state.selected = workspace.layout.alone
    charts = workspace.chart
    chart_list.show(state, [chart.symbol for chart in charts], [_look(chart) for chart in charts])
    state.link_unit = workspace.layout.link
    state.cvd_share = workspace.layout.cvd_share
    state.comparison_share = workspace.layout.compare_share
    state.time.recall(time.span_s * SECOND_NS)
    if plot_width_px > 0.0:
        state.time.ns_per_px = 0.0
        state.time.fit(plot_width_px)
    state.folding = time.fold
    state.is_time_linked = time.linked
    state.lock_to(None if time.bucket < 0 else time.bucket)
    filters = state.filters
    filters.threshold, filters.size_scale = bubbles.threshold, bubbles.size_scale
    filters.size_floor, filters.percentile = bubbles.size_floor, bubbles.percentile
    filters.tape_floor, filters.has_cvd_candles = bubbles.tape_floor, look.cvd_candles
    filters.layers = {name for name in LAYERS if workspace.layers.get(name, name in SHOWN_AT_FIRST)}
    state.open_panels = set(panels.open) & set(PANEL_NAMES)
    state.are_panels_hidden = panels.hidden and bool(state.open_panels)
    state.keyboard_panel = ""
    state.transport.is_shown = panels.transport
    state.panel_places = PanelPlaces(
        tuple((name, place) for name, place in panels.place.items() if name in PANEL_NAMES),
        tuple(name for name in panels.recent if name in PANEL_NAMES),
        panels.left_px,
        panels.right_px,
    )


def _chart(symbol: str, state: Sequence[ChartState]) -> Chart:
    """Return what a workspace keeps of a chart; `state` is empty where it has none yet."""
    if not state:
        return Chart(symbol=symbol)
    rule = state[0].comparison.rule
    if rule is None:
        return Chart(symbol=symbol, link=state[0].link)
    factor = rule.thousandths / THOUSANDTHS
    return Chart(symbol=symbol, link=state[0].link, compare=rule.symbol, compare_as=rule.kind, compare_times=factor)


def _look(chart: Chart) -> ChartLook:
    thousandths = round(chart.compare_times * THOUSANDTHS)
    rule = Comparison(chart.compare, chart.compare_as, thousandths) if chart.compare else None
    return ChartLook(chart.link, rule)


def recall(state: ViewState, memory: Memory | None) -> None:
    """Restore what the program remembers in addition to the workspace."""
    if memory is not None:
        state.recent_actions = list(memory.recent_actions)
        state.hints = Hints(set(memory.used_hints))
        state.left_feed = frozenset(memory.feed)


def override(state: ViewState, settings: Settings) -> str:
    """Apply the settings that were given for this run to a state. Return what was refused; "" if nothing was."""
    state.aggregation = settings.aggregation
    state.choose_palette(settings.palette or "")
    given = {name: getattr(settings, f"{name}_color") for name in CUSTOM_SLOTS}
    refused = state.choose_colors(**{name: color for name, color in given.items() if color is not None})
    state.text_size = settings.text_size or state.text_size
    state.content_scale = settings.scale or 0.0
    state.pictures = PictureOptions(settings.caption, settings.video_cursor, has_overlays=settings.video_overlays)
    if settings.panels is not None:
        state.open_panels, state.are_panels_hidden = set(settings.panels) & set(PANEL_NAMES), False
    filters = state.filters
    if settings.marks is not None:
        filters.layers -= set(LAYER_OF_EVENT.values())
        filters.layers |= {LAYER_OF_EVENT[name] for name in settings.marks}
    if settings.span_s is not None:
        state.time.span_ns, state.time.is_growing = settings.span_s * SECOND_NS, False
    state.folding = settings.folding or state.folding
    filters.threshold = filters.threshold if settings.threshold is None else settings.threshold
    filters.size_scale = filters.size_scale if settings.size_scale is None else settings.size_scale
    if settings.cvd_as is not None:
        filters.has_cvd_candles = settings.cvd_as == "candles"
    if settings.size_floor is not None:
        filters.size_floor, filters.percentile = settings.size_floor, 0.0
    return refused


def _switches(state: ViewState) -> Alerts:
    """Return which alert rules are on, without those of custom levels, which belong to the level."""
    rules = [rule for rule in state.drawings.rules.rules() if not rule.drawing]
    return Alerts(
        muted=state.is_muted,
        on=[rule.name for rule in rules if rule.on][:100],
        off=[rule.name for rule in rules if not rule.on][:100],
    )


def _switch_rules(book: RuleBook, alerts: Alerts) -> None:
    for number, rule in book.items():
        is_on = rule.name in alerts.on or (rule.name not in alerts.off and rule.on)
        if not rule.drawing and is_on != rule.on:
            book.put(number, msgspec.structs.replace(rule, on=is_on))

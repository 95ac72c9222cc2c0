"""Actions for comparing a chart with another symbol."""

from dataclasses import replace
from typing import Final

from flow_gl.ui.input.action import Action, Context, Request, Run
from flow_gl.ui.input.chart_actions import ZOOM_STEP, next_share
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.state.comparison import ComparisonState

_MENUS: Final = ("comparison", "comparison axis")


def actions() -> tuple[Action, ...]:
    """Return the actions, in the order of help and command palette."""
    return (
        Action(
            "compare",
            "Compare with another symbol: difference or ratio",
            ("ctrl+d",),
            "Charts",
            lambda context: context.requests.append(Request.COMPARE),
            lambda state: any(own.comparison.rule is not None for own in state.charts),
            menus=("header", "chart", "comparison"),
        ),
        _of_pane("compare_kind", "Switch the comparison between difference and ratio", _switch_kind, keys=("shift+d",)),
        _of_pane("compare_off", "End the comparison", _end),
        _of_pane("compare_scale", "Scale the comparison automatically", _scale),
        _of_pane("compare_closer", "Zoom the comparison in", _zoom(1 / ZOOM_STEP)),
        _of_pane("compare_farther", "Zoom the comparison out", _zoom(ZOOM_STEP)),
        _of_pane("compare_larger", "Larger comparison pane", _resize(1)),
        _of_pane("compare_smaller", "Smaller comparison pane", _resize(-1)),
    )


def has_comparison(frame: Frame) -> bool:
    """Return whether any visible chart shows a comparison."""
    return any(chart.scene is not None and chart.scene.comparison is not None for chart in frame.charts)


def _of_pane(name: str, title: str, run: Run, *, keys: tuple[str, ...] = ()) -> Action:
    return Action(name, title, keys, "Charts", run, is_available=has_comparison, menus=_MENUS)


def _shown(context: Context) -> list[ComparisonState]:
    """Return the comparisons that an action applies to."""
    found = [context.state.charts[index].comparison for index in context.targets]
    return [comparison for comparison in found if comparison.rule is not None]


def _switch_kind(context: Context) -> None:
    shown = _shown(context)
    for comparison in shown:
        if comparison.rule is not None:
            comparison.show(
                replace(comparison.rule, kind="ratio" if comparison.rule.kind == "difference" else "difference")
            )
    if not shown:
        context.notes.append(f"no comparison here  \u00b7  {context.key('compare')} adds one")


def _end(context: Context) -> None:
    for comparison in _shown(context):
        comparison.show(None)


def _scale(context: Context) -> None:
    for comparison in _shown(context):
        comparison.axis.reset()


def _zoom(factor: float) -> Run:
    def run(context: Context) -> None:
        height = context.pane_heights_px[2]
        for comparison in _shown(context):
            comparison.axis.zoom(factor, 0.5 * height, height)

    return run


def _resize(direction: int) -> Run:
    def run(context: Context) -> None:
        context.state.comparison_share = next_share(context.state.comparison_share, direction)

    return run

"""Every action of the command palette, driven once by a real keyboard in a real window under a window manager.

Actions with a key are run by it, the others through the palette, by typing their titles. One window is driven through
all of them: a start for each would take minutes.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from imgui_bundle import imgui

from flow_gl.core.comparison import Comparison
from flow_gl.core.drawings import SHAPE_KINDS, Point, Shape
from flow_gl.core.palette import PALETTES
from flow_gl.core.panels import PANEL_NAMES
from flow_gl.core.schema import FeedState
from flow_gl.layers.base import LAYERS
from flow_gl.ui.input.action import Action, Request
from flow_gl.ui.input.actions import ACTIONS
from flow_gl.ui.input.choice_actions import SPANS_S
from flow_gl.ui.overlays.stack import is_list_open
from flow_gl.ui.state import chart_list
from flow_gl.ui.state.arrangement import Arrangement
from flow_gl.ui.state.view_state import ViewState
from tests.kit.pilot import WindowPilot
from tests.kit.screens import virtual_display, window_manager

CHARTS = tuple(f"NQZ{n}" for n in range(1, 10))
SPACE = (0.3, 0.15)
"""A place without bubbles, as shares of a price pane."""
Seen = Callable[[WindowPilot], object]


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowPilot]:
    before = os.environ.get("DISPLAY")
    with virtual_display(1280, 800) as (display, _), window_manager(display, tmp_path_factory.mktemp("jwm")):
        os.environ["DISPLAY"] = display
        try:
            found = WindowPilot(display, *CHARTS, size=(400, 300), bubbles=120)
            found.link.set_status(state=FeedState.REPLAY, speed=1.0)
            found.state.selected = 1
            found.frames(5)
            yield found
            found.close()
        finally:
            os.environ.pop("DISPLAY") if before is None else os.environ.__setitem__("DISPLAY", before)


def state_of(name: str) -> Seen:
    return lambda pilot: getattr(pilot.state, name)


def is_layer(name: str) -> Seen:
    return lambda pilot: name in pilot.state.filters.layers


def own(pilot: WindowPilot) -> object:
    return pilot.state.charts[0]


def requests(pilot: WindowPilot) -> object:
    return list(taken.extend(pilot.loop.input.take_requests()) or taken)


def notes(pilot: WindowPilot) -> object:
    return tuple(text for text, _ in pilot.loop.overlays.notes.lines(pilot.frame.steady_s))


def shown_ns(pilot: WindowPilot) -> object:
    return pilot.state.time.shown_ns


def edge_ns(pilot: WindowPilot) -> object:
    return pilot.state.time.anchor


def levels(pilot: WindowPilot) -> object:
    return pilot.state.drawings.book.by_root()


def commands(pilot: WindowPilot) -> object:
    return len(pilot.link.commands)


taken: list[Request] = []
STEPS = tuple(f"{to}_{way}" for to in ("bubble", "second", "event", "trade", "session") for way in ("on", "back"))
SEEN: dict[str, Seen] = {
    "pause": state_of("pause"),
    "follow": edge_ns,
    "clear": lambda pilot: pilot.state.charts[0].cleared_before_ns,
    "lock": state_of("locked_lod"),
    "fold": state_of("folding"),
    "closer": shown_ns,
    "farther": shown_ns,
    "reset_time": shown_ns,
    "back": edge_ns,
    "forward": edge_ns,
    "previous_session": notes,
    "next_session": notes,
    "range": lambda pilot: pilot.state.marked is not None,
    "view_profile": is_layer("view_profile"),
    "pin_bubble": lambda pilot: pilot.state.charts[0].pinned_id,
    "pointer": lambda pilot: pilot.state.pointer is not None,
    "scale": lambda pilot: pilot.state.charts[0].price.is_auto,
    "price_closer": lambda pilot: pilot.state.charts[0].price.fixed,
    "price_farther": lambda pilot: pilot.state.charts[0].price.fixed,
    "price_higher": lambda pilot: pilot.state.charts[0].price.fixed,
    "price_lower": lambda pilot: pilot.state.charts[0].price.fixed,
    "cvd_scale": lambda pilot: pilot.state.charts[0].cvd.is_auto,
    "cvd_closer": lambda pilot: pilot.state.charts[0].cvd.fixed,
    "cvd_farther": lambda pilot: pilot.state.charts[0].cvd.fixed,
    "cvd_larger": state_of("cvd_share"),
    "cvd_smaller": state_of("cvd_share"),
    "cvd_reference": lambda pilot: len(pilot.state.charts[0].cvd_references),
    "cvd_candles": lambda pilot: pilot.state.filters.has_cvd_candles,
    "order_cvd": is_layer("order_cvd"),
    "custom_level": lambda pilot: pilot.state.drawings.held is not None,
    **dict.fromkeys(SHAPE_KINDS, lambda pilot: pilot.state.drawings.tool),
    "move_drawing": lambda pilot: pilot.state.drawings.held_shape is not None,
    "edit_level": lambda pilot: pilot.state.drawings.edited,
    "delete_level": levels,
    "copy_price": lambda _: imgui.get_clipboard_text(),
    "undo": shown_ns,
    "redo": shown_ns,
    **dict.fromkeys((*STEPS, "loop"), commands),
    "go_to_time": lambda pilot: pilot.state.transport.is_entering,
    "transport": lambda pilot: pilot.state.transport.is_shown,
    "slower": commands,
    "faster": commands,
    "retry": commands,
    "overlays": state_of("are_panels_hidden"),
    "panel_keys": state_of("keyboard_panel"),
    "menu": lambda _: is_list_open(),
    "context_menu": lambda _: is_list_open(),
    "commands": lambda _: is_list_open(),
    "all_charts": state_of("selected"),
    "this_chart": state_of("selected"),
    "next_layout": state_of("arrangement"),
    "link": lambda pilot: pilot.state.charts[0].link,
    "link_unit": state_of("link_unit"),
    "own_time": state_of("is_time_linked"),
    "compare": lambda _: is_list_open(),
    **dict.fromkeys(("compare_kind", "compare_off"), lambda pilot: pilot.state.charts[0].comparison.rule),
    "compare_scale": lambda pilot: pilot.state.charts[0].comparison.axis.is_auto,
    **dict.fromkeys(("compare_closer", "compare_farther"), lambda pilot: pilot.state.charts[0].comparison.axis.fixed),
    **dict.fromkeys(("compare_larger", "compare_smaller"), state_of("comparison_share")),
    "add_chart": lambda _: is_list_open(),
    "change_symbol": lambda _: is_list_open(),
    "close_chart": lambda pilot: len(pilot.state.charts),
    **{f"workspace_{number}": notes for number in range(1, 10)},
    "save_workspace": notes,
    **dict.fromkeys(("screenshot", "screenshot_chart", "copy_picture", "copy_chart"), requests),
    **dict.fromkeys(("record", "save_newest", "keep_video"), requests),
    "caption": lambda pilot: pilot.state.pictures.has_caption,
    "video_cursor": lambda pilot: pilot.state.pictures.has_cursor,
    "video_overlays": lambda pilot: pilot.state.pictures.has_overlays,
    "new_window": requests,
    "close_window": requests,
    "fullscreen": requests,
    "next_monitor": requests,
    "quit": requests,
    "plain_colors": state_of("custom_colors"),
    "mute": state_of("is_muted"),
    "palette": lambda pilot: pilot.state.palette.name,
    "escape": state_of("pause"),
    "bucket_auto": state_of("locked_lod"),
    "bucket_wider": state_of("locked_lod"),
    "bucket_narrower": state_of("locked_lod"),
    **{f"chart_{number}": state_of("selected") for number in range(1, 10)},
    **{f"layer_{name}": is_layer(name) for name in LAYERS},
    **{name: (lambda pilot, name=name: pilot.state.is_panel_open(name)) for name in PANEL_NAMES},
}
"""What an action changes."""
OF_GROUP: dict[str, Seen] = {
    "Layout": state_of("arrangement"),
    "Palette": lambda pilot: pilot.state.palette.name,
    "Span": shown_ns,
    "Fold": state_of("folding"),
    "Speed": commands,
    "Text size": state_of("text_size"),
}


def at_space(pilot: WindowPilot) -> None:
    pane = pilot.charts[0].layout.price
    pilot.move((pane.x + SPACE[0] * pane.width, pane.y + SPACE[1] * pane.height))


def at_largest_bubble(pilot: WindowPilot) -> None:
    """Move the mouse to the largest of the newest bubbles."""
    rows, scene = pilot.link.filled[0].rows, pilot.charts[0].scene
    assert scene is not None
    row = rows[int((rows["buy"] + rows["sell"])[-40:].argmax()) - 40]
    x = scene.price_view.screen_x(int(row["ts_event"]) + scene.reader.bucket_ns // 2)
    pilot.move((x, scene.price_view.screen_y(int(row["price"]) / scene.reader.tick_size)))


def with_level(pilot: WindowPilot) -> None:
    """Place a custom level at the mouse."""
    at_space(pilot)
    pilot.press("i")
    pilot.until(lambda: pilot.state.drawings.held, "I did not begin to place a level")
    pilot.press("enter")
    pilot.until(lambda: pilot.state.drawings.held is None, "Enter did not place the level")


def at_level(pilot: WindowPilot) -> None:
    """Place a custom level, and move the mouse onto its line."""
    with_level(pilot)
    scene = pilot.charts[0].scene
    assert scene is not None
    level = pilot.state.drawings.book.levels("NQ")[-1]
    x = scene.price_view.rect.x + SPACE[0] * scene.price_view.rect.width
    pilot.move((x, scene.price_view.screen_y(level.price / scene.reader.tick_size)))


def with_selected_shape(pilot: WindowPilot) -> None:
    """Draw a trend line, and select it."""
    scene = pilot.charts[0].scene
    assert scene is not None
    points = (
        Point(pilot.link.now_ns - seconds * 10**9, int(scene.reader.session["last_price"])) for seconds in (60, 30)
    )
    pilot.state.drawings.book.put_shapes("NQ", [Shape("shape", "trend_line", *points)])
    pilot.state.drawings.selected = 0, "NQ", "shape"
    pilot.frames(2)


def after_zoom(pilot: WindowPilot) -> None:
    pilot.press("up_arrow")
    pilot.frames(2)


def with_comparison(pilot: WindowPilot) -> None:
    """Compare the first chart with the last market; its axis is fixed."""
    comparison = pilot.state.charts[0].comparison
    comparison.show(Comparison(chart_list.symbol_of(pilot.link.markets[-1])))
    comparison.axis.set(0.0, 1e6)
    pilot.frames(3)


def put(**values: object) -> Callable[[WindowPilot], None]:
    def run(pilot: WindowPilot) -> None:
        for name, value in values.items():
            setattr(pilot.state, name, value)

    return run


def in_replay(pilot: WindowPilot) -> None:
    """Let the engine replay files, of which a loop has begun."""
    pilot.link.set_status(can_seek=1, first_event=1, last_event=pilot.link.now_ns)
    pilot.state.transport.loop_from_ns = 1
    pilot.frames(2)


PREPARE: dict[str, Callable[[WindowPilot], None]] = {
    **dict.fromkeys((*STEPS, "loop", "go_to_time"), in_replay),
    "follow": lambda pilot: pilot.press("left_arrow"),
    "forward": lambda pilot: pilot.press("left_arrow", "left_arrow"),
    "reset_time": after_zoom,
    "farther": after_zoom,
    **{f"span_{seconds}": after_zoom for seconds in SPANS_S},
    "pin_bubble": at_largest_bubble,
    "scale": lambda pilot: pilot.press("shift+up_arrow"),
    "price_lower": lambda pilot: pilot.press("shift+up_arrow"),
    "cvd_scale": lambda pilot: pilot.state.charts[0].cvd.set(0.0, 1.0),
    **{
        f"compare_{name}": with_comparison
        for name in ("kind", "off", "scale", "closer", "farther", "larger", "smaller")
    },
    "move_drawing": with_selected_shape,
    "edit_level": with_level,
    "delete_level": at_level,
    "undo": after_zoom,
    "redo": lambda pilot: pilot.press("up_arrow", "ctrl+z"),
    "overlays": put(open_panels={"feed"}),
    "panel_keys": put(open_panels={"controls"}),
    "context_menu": at_space,
    "escape": lambda pilot: pilot.press("space"),
    "bucket_auto": put(locked_lod=2),
    "bucket_wider": put(locked_lod=1),
    "bucket_narrower": put(locked_lod=1),
    "plain_colors": lambda pilot: pilot.state.choose_colors(buy="#44ccff"),
    "chart_1": put(selected=2),
    "layout_auto": put(arrangement=Arrangement("rows")),
    "text_100": put(text_size=1.25),
    **{f"fold_{name}": put(folding="none" if name != "none" else "all") for name in ("closed", "all", "none")},
    **{
        f"palette_{name.replace('-', '_')}": put(palette=PALETTES["light" if name == "dark" else "dark"])
        for name in PALETTES
    },
}


def fresh(pilot: WindowPilot) -> None:
    """Restore the initial view."""
    state, first = pilot.state, ViewState()
    for name in (
        "pause",
        "locked_lod",
        "marked",
        "are_panels_hidden",
        "keyboard_panel",
        "pointer",
        "text_size",
        "cvd_share",
        "comparison_share",
        "arrangement",
    ):
        setattr(state, name, getattr(first, name))
    pilot.link.set_status(can_seek=0)
    state.transport.loop_from_ns, state.transport.is_entering, state.transport.is_shown = 0, False, True
    if state.has_own_charts:
        chart_list.show(state, [chart_list.symbol_of(market) for market in pilot.link.markets])
        pilot.frames(2)
    state.selected, state.open_panels = 1, set()
    state.drawings.leave_charts()
    state.drawings.cancel()
    state.time.reset(pilot.charts[0].layout.price.width)
    for own in state.charts:
        own.price.reset()
        own.cvd.reset()
        own.comparison.show(None)
        own.pinned_id, own.cleared_before_ns = None, 0
    pilot.frames(2)


def drive(pilot: WindowPilot, action: Action) -> None:
    """Run an action by its key, or through the command palette if it has none."""
    if action.keys:
        pilot.press(action.keys[0])
        return
    pilot.press("ctrl+p")
    pilot.until(lambda: imgui.get_io().want_text_input, "Ctrl+P did not open the command palette")
    pilot.type_text(action.title)
    pilot.press("enter")
    pilot.until(lambda: not is_list_open(), "Enter did not close the command palette")
    assert pilot.state.recent_actions[-1] == action.name


def failure(pilot: WindowPilot, action: Action) -> str:
    """Drive an action; return what went wrong, or ""."""
    fresh(pilot)
    PREPARE.get(action.name, lambda _: None)(pilot)
    seen = SEEN.get(action.name) or OF_GROUP[action.group]
    before = seen(pilot)
    try:
        drive(pilot, action)
        pilot.until(lambda: seen(pilot) != before, f"nothing has changed: {before!r}")
    except AssertionError as error:
        return f"{action.name}: {error}".splitlines()[0]
    finally:
        while is_list_open():
            pilot.press("escape")
            pilot.frames(2)
    return ""


@pytest.mark.slow
def test_every_action_does_something_when_a_user_asks_for_it(pilot: WindowPilot) -> None:
    failures = [said for action in ACTIONS if (said := failure(pilot, action))]
    assert not failures, "\n".join(failures)
    assert {Request.SCREENSHOT, Request.FULLSCREEN, Request.QUIT} <= set(taken)

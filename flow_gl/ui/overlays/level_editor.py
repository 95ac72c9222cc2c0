"""The editor of an own level: name, price, colour and alert.

It opens beside the level's line and closes on Enter, Esc or a click elsewhere.

Tab and the arrow keys reach everything in it. Enter, Tab or a click elsewhere applies the typed text.
"""

from dataclasses import replace
from typing import Final

from imgui_bundle import imgui

from flow_gl.core.drawings import LONGEST_NAME, OwnLevel
from flow_gl.core.errors import UsageError
from flow_gl.core.units import price_from_text
from flow_gl.layers.discs import tick_size_of
from flow_gl.layers.drawings.levels import snapped
from flow_gl.ui.alerts.rules import ACT_WORDS
from flow_gl.ui.drawings.book import DrawingEdits, alert_of
from flow_gl.ui.input.keymap import key_label
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.editor_parts import WIDTH_PX, clicked_color, place_beside
from flow_gl.ui.overlays.frame import ChartFrame, Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.state.view_state import ViewState

POPUP: Final = "own level"
_NAV: Final[int] = imgui.ConfigFlags_.nav_enable_keyboard.value


class LevelEditor:
    """Shows the level of `state.drawings.edited`."""

    def __init__(self) -> None:
        self._open_for: tuple[int, str, str] | None = None
        self._name = ""
        self._price = ""
        self._problem = ""

    def draw(self, frame: Frame, state: ViewState) -> None:
        """Draw the editor, if a level is being edited."""
        edited = state.drawings.edited
        edits = DrawingEdits(state.drawings.book, state.drawings.rules, state.history)
        chart = None if edited is None else next((one for one in frame.charts if one.index == edited[0]), None)
        level = None if edited is None else edits.find(*edited[1:])
        if edited is None or chart is None or chart.scene is None or level is None:
            self._close(state)
            return
        is_new = edited != self._open_for
        if is_new:
            self._open_for, state.drawings.last_edited = edited, level.id
            self._take(level, tick_size_of(chart.scene))
            imgui.get_io().config_flags |= _NAV
            imgui.open_popup(POPUP)
            self._place_window(chart, level, frame)
        if not imgui.begin_popup(POPUP):
            # Closed by a click elsewhere, which applies the typed text, or by Esc, which discards it.
            if not imgui.is_key_pressed(imgui.Key.escape):
                self._commit(edits, edited[1], level, tick_size_of(chart.scene))
            self._close(state)
            return
        if not self._fill(edits, edited[1], level, chart, state, is_new=is_new):
            imgui.close_current_popup()
        imgui.end_popup()

    def _close(self, state: ViewState) -> None:
        if self._open_for is not None:
            self._open_for = state.drawings.edited = None
            imgui.get_io().config_flags &= ~_NAV

    def _take(self, level: OwnLevel, tick_size: int) -> None:
        self._name, self._price, self._problem = level.name, words.price(level.price, tick_size), ""

    def _place_window(self, chart: ChartFrame, level: OwnLevel, frame: Frame) -> None:
        """Place the window beside the line: at the mouse if it is over the chart, otherwise at the right edge."""
        assert chart.scene is not None
        view, dense = chart.scene.price_view, imgui.get_io().display_framebuffer_scale.x
        mouse = imgui.get_mouse_pos()
        x = mouse.x * dense if view.rect.contains(mouse.x * dense, mouse.y * dense) else view.rect.right
        place_beside(x, view.screen_y(level.price / tick_size_of(chart.scene)), view.rect, frame.scale)

    def _fill(
        self, edits: DrawingEdits, key: str, level: OwnLevel, chart: ChartFrame, state: ViewState, *, is_new: bool
    ) -> bool:
        """Draw the content; return whether the editor stays open."""
        assert chart.scene is not None
        palette, tick_size = state.palette, tick_size_of(chart.scene)
        base.colored(f"Own level of {key}", palette.quiet)
        imgui.push_item_width(WIDTH_PX * imgui.get_style().font_scale_main * 0.72)
        if is_new:
            imgui.set_keyboard_focus_here()
        enter = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value
        is_done = False
        for label in ("name", "price"):
            is_entered, text = imgui.input_text(label, getattr(self, f"_{label}"), enter)
            setattr(self, f"_{label}", text)
            is_done |= is_entered
            if is_entered or imgui.is_item_deactivated_after_edit():
                level = self._commit(edits, key, level, tick_size)
        imgui.pop_item_width()
        if self._problem:
            base.colored(self._problem, palette.attention)
        color = clicked_color(level.color, palette)
        if color is not None:
            edits.change(key, replace(level, color=color))
        rule = alert_of(edits.rules, level.id)
        changed, is_on = imgui.checkbox("alert when price reaches it", rule is not None and rule[1].on)
        if changed:
            self._problem = edits.set_alert(key, level.id, is_on=is_on)
        if rule is not None:
            acts = ", ".join(ACT_WORDS[act] for act in rule[1].do)
            base.hint(f"{acts}; change what it does in the alerts panel ({key_label(state.keys, 'alerts')})")
        if imgui.button("Delete"):
            edits.delete(key, level.id)
            return False
        base.hint(f"{key_label(state.keys, 'undo')} brings it back")
        imgui.same_line()
        return not (imgui.button("Done") or (is_done and not self._problem))

    def _commit(self, edits: DrawingEdits, key: str, level: OwnLevel, tick_size: int) -> OwnLevel:
        """Apply the typed text; return the updated level."""
        self._problem, price = "", level.price
        if self._price != words.price(level.price, tick_size):
            try:
                price = price_from_text(self._price.strip().replace(words.MINUS, "-"))
            except UsageError as error:
                self._problem = str(error)
            else:
                price = snapped(price, tick_size)
        changed = replace(level, name=" ".join(self._name.split())[:LONGEST_NAME], price=price)
        edits.change(key, changed)
        if not self._problem:
            self._take(changed, tick_size)
        return changed

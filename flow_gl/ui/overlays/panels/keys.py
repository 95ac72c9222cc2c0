"""Keys panel: every action with its keys. Click a key and press another one; conflicts are shown beforehand."""

from typing import Final

from imgui_bundle import imgui

from flow_gl.core.commands import Command
from flow_gl.ui.input import fuzzy
from flow_gl.ui.input.action import Action
from flow_gl.ui.input.actions import ACTIONS, BY_NAME, FIXED
from flow_gl.ui.input.keymap import bind, keys_of, owner, reset, unbind
from flow_gl.ui.keys import names
from flow_gl.ui.overlays.frame import Frame
from flow_gl.ui.overlays.panels import base
from flow_gl.ui.overlays.panels.base import Content
from flow_gl.ui.paint.theme import u32
from flow_gl.ui.state.key_capture import KeyCapture
from flow_gl.ui.state.view_state import ViewState

_ADD: Final = "+"


def content() -> Content:
    """Return what the panel shows."""
    return Content(fill=KeysPanel().fill)


class KeysPanel:
    """The panel, with the search text and the last message."""

    def __init__(self) -> None:
        self._query = ""
        self._message = ""

    def fill(self, frame: Frame, state: ViewState) -> list[Command]:
        """Draw the panel's content. What it changes is saved at once."""
        del frame
        if state.key_capture is not None:
            self._take(state.key_capture, state)
        imgui.set_next_item_width(-1.0)
        _, self._query = imgui.input_text_with_hint("##find", "find an action", self._query)
        if state.keys.warning:
            _wrapped(state.keys.warning, state)
        if self._message:
            _wrapped(self._message, state)
        elif state.key_capture is None:
            imgui.push_style_color(imgui.Col_.text.value, u32(state.palette.quiet))
            imgui.text_wrapped("Click a key, then press another one. + adds a key.")
            imgui.pop_style_color()
        group = ""
        for action in ACTIONS:
            if fuzzy.match(self._query, f"{action.title} {action.group}") is None:
                continue
            if action.group != group:
                group = action.group
                base.heading(group)
            self._row(action, state)
        return []

    def _row(self, action: Action, state: ViewState) -> None:
        imgui.push_id(action.name)
        left, room = imgui.get_cursor_pos_x(), imgui.get_content_region_avail().x
        imgui.align_text_to_frame_padding()
        imgui.text_unformatted(action.title)
        style, capture = imgui.get_style(), state.key_capture
        keys = keys_of(state.keys, action.name)
        labels = [names.label(key) for key in keys]
        is_asked = capture is not None and capture.action == action.name
        shown = [
            "press a key" if is_asked and capture is not None and capture.instead_of == key else label
            for key, label in zip(keys, labels, strict=True)
        ]
        if action.name not in FIXED:
            shown.append("press a key" if is_asked and capture is not None and not capture.instead_of else _ADD)
        extra = ["usual"] if state.keys.is_changed(action.name) else []
        gap = 0.5 * style.item_spacing.x
        widths = [imgui.calc_text_size(text).x + 2 * style.frame_padding.x for text in (*shown, *extra)]
        total = sum(widths) + gap * (len(widths) - 1)
        if imgui.calc_text_size(action.title).x + gap + total <= room:
            imgui.same_line()
        imgui.set_cursor_pos_x(left + max(0.0, room - total))
        for at, text in enumerate((*shown, *extra)):
            if at:
                imgui.same_line(0.0, gap)
            if at < len(shown) and action.name in FIXED:
                imgui.text_disabled(text)
                continue
            imgui.push_id(at)
            if imgui.button(text):
                self._press(action, keys[at] if at < len(keys) else "", state, is_reset=at >= len(shown))
            base.hint(
                "reset to the default keys"
                if at >= len(shown)
                else "press another key; Backspace removes this one, Esc cancels"
                if at < len(keys)
                else "press a key to add it; Esc cancels"
            )
            imgui.pop_id()
        imgui.pop_id()

    def _press(self, action: Action, key: str, state: ViewState, *, is_reset: bool) -> None:
        self._message = ""
        if is_reset:
            state.key_capture = None
            self._message = reset(state.keys, action.name)
            return
        state.key_capture = KeyCapture(action.name, key)
        self._message = f"{action.title}: press a key. Esc cancels" + (", Backspace removes the key." if key else ".")

    def _take(self, capture: KeyCapture, state: ViewState) -> None:
        """Apply the key that was pressed, if there is one."""
        key = capture.pressed
        if not key:
            return
        capture.pressed = ""
        if key == "escape":
            state.key_capture, self._message = None, ""
            return
        if key == "backspace" and capture.instead_of:
            state.key_capture = None
            self._message = unbind(state.keys, capture.action, capture.instead_of)
            return
        before = owner(state.keys, key)
        if before is not None and before.name in FIXED:
            self._message = f"{names.label(key)} always goes back: press another key"
            return
        if before is not None and before.name != capture.action and capture.conflict != key:
            capture.conflict = key
            label = names.label(key)
            self._message = (
                f"{label} already runs \u201c{before.title}\u201d. Press {label} again to move it here; Esc cancels."
            )
            return
        state.key_capture = None
        title = BY_NAME[capture.action].title
        self._message = bind(state.keys, capture.action, key, instead_of=capture.instead_of or None)
        self._message = self._message or f"{names.label(key)}: {title}"
        if not self._message.startswith("cannot") and before is not None and before.name != capture.action:
            left = keys_of(state.keys, before.name)
            self._message += f". \u201c{before.title}\u201d has no key now" if not left else ""


def _wrapped(text: str, state: ViewState) -> None:
    imgui.push_style_color(imgui.Col_.text.value, u32(state.palette.attention))
    imgui.text_wrapped(text)
    imgui.pop_style_color()

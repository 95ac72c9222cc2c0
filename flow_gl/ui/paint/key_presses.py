"""Key presses as the window reports them, each with the modifiers that were held at that moment.

Dear ImGui reports per frame which keys were pressed and which modifiers are held at the frame's end. In a slow frame
that is not enough: a Ctrl+Q whose Ctrl is already up again looks like Q, and a press followed by a loss of the
keyboard's focus is forgotten. So presses are also queued as they come, and each is taken once: in the frame in which
Dear ImGui takes it, so that it keeps its place behind a click, at the latest when Dear ImGui has no more input waiting.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from imgui_bundle import imgui

_SHIFT: Final = 0x0001
_CONTROL: Final = 0x0002 | 0x0008  # GLFW_MOD_CONTROL, GLFW_MOD_SUPER
_ALT: Final = 0x0004
_PRESS: Final = 1  # GLFW_PRESS
_KEYPAD_0: Final = 320
_KEYPAD_LAST: Final = 336
_NAMED: Final = {
    32: imgui.Key.space,
    256: imgui.Key.escape,
    257: imgui.Key.enter,
    258: imgui.Key.tab,
    259: imgui.Key.backspace,
    260: imgui.Key.insert,
    261: imgui.Key.delete,
    262: imgui.Key.right_arrow,
    263: imgui.Key.left_arrow,
    264: imgui.Key.down_arrow,
    265: imgui.Key.up_arrow,
    266: imgui.Key.page_up,
    267: imgui.Key.page_down,
    268: imgui.Key.home,
    269: imgui.Key.end,
    348: imgui.Key.menu,
    **{289 + number: getattr(imgui.Key, f"f{number}") for number in range(1, 13)},
    **{_KEYPAD_0 + digit: getattr(imgui.Key, f"keypad{digit}") for digit in range(10)},
}
"""By GLFW's key codes."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key that went down."""

    key: imgui.Key
    has_control: bool
    """Ctrl or Super (Command) was held."""
    has_alt: bool
    has_shift: bool = False


class KeyPresses:
    """The presses of a window that have not been taken yet. Without a window, Dear ImGui reports them."""

    def __init__(self) -> None:
        self._window: Any = None
        self._glfw: Any = None
        self._waiting: Final[deque[Press]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def watch(self, window: Any) -> None:
        """Start queueing a window's presses. Call it before Dear ImGui sets its callbacks, which then call this one."""
        import glfw  # after imgui_bundle: both must load one GLFW

        self._window, self._glfw = window, glfw
        glfw.set_key_callback(window, self._note)

    def stop(self) -> None:
        """Stop queueing. Call it after Dear ImGui has restored the callbacks."""
        if self._window is not None:
            self._glfw.set_key_callback(self._window, None)
            self._window = None

    def add(self, press: Press) -> None:
        """Queue a press."""
        self._waiting.append(press)

    def take(self, *, is_drained: bool) -> list[Press]:
        """Return and remove the presses up to this frame, in order.

        Parameters
        ----------
        is_drained : Dear ImGui has no input waiting for a later frame
        """
        io = imgui.get_io()
        if self._window is None and not self._waiting:
            has_control = io.key_ctrl or io.key_super
            return [
                Press(key, has_control, io.key_alt, io.key_shift) for key in _KEYS if imgui.is_key_pressed(key, False)
            ]
        taken: list[Press] = []
        while self._waiting and (is_drained or imgui.is_key_pressed(self._waiting[0].key, False)):
            taken.append(self._waiting.popleft())
        return taken

    def _note(self, _window: Any, key: int, scancode: int, action: int, modifiers: int) -> None:
        if action != _PRESS:
            return
        found = self._key(key, scancode)
        if found is not None:
            self.add(Press(found, bool(modifiers & _CONTROL), bool(modifiers & _ALT), bool(modifiers & _SHIFT)))

    def _key(self, key: int, scancode: int) -> imgui.Key | None:
        """Return Dear ImGui's key: by the keyboard layout, or by position if the layout gives no Latin letter.

        None where no action can have such a key.
        """
        if key in _NAMED or _KEYPAD_0 <= key <= _KEYPAD_LAST:
            return _NAMED.get(key)
        text = (self._glfw.get_key_name(key, scancode) or "").lower()
        if text and text in _PUNCTUATION:
            return None
        if text not in _LATIN:
            text = chr(key).lower() if 0 < key < 128 else ""
        return _LATIN.get(text)


_PUNCTUATION: Final = "`-=[]\\,;'./"
"""Keys that Dear ImGui has as well; here they count as the characters that they type."""
_LATIN: Final[dict[str, imgui.Key]] = {
    **{letter: getattr(imgui.Key, letter) for letter in "abcdefghijklmnopqrstuvwxyz"},
    **{str(digit): getattr(imgui.Key, f"_{digit}") for digit in range(10)},
}
_KEYS: Final = (*_NAMED.values(), *_LATIN.values())

"""What the windows of a program say to each other survives its line; anything else is refused."""

from typing import Any, get_args

import msgspec
import pytest

from flow_gl.core.commands import Retry, SetSpeed
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.spec import NotAdded
from flow_gl.ui.link import LinkState
from flow_gl.ui.workspaces.tree import Chart, WindowPlace, WindowState
from flow_gl.view.windows import messages
from flow_gl.view.windows.messages import decode_down, decode_spec, decode_up, encode

SHOWN = WindowState(window=WindowPlace(monitor="DP-2", x=40, width=900, height=600), chart=[Chart(symbol="ES.v.0")])
DOWN: dict[type, Any] = {
    one.__class__: one
    for one in (
        messages.EngineShown("flowgl_1_engine", LinkState.RESTARTING, "it died", 0, 2, ("NQ", "ES")),
        NotAdded("CL", "CL: the gateway does not know it"),
        messages.Show(SHOWN),
        messages.Note("a note"),
        messages.Close(),
        messages.WorkspaceInUse("night"),
        messages.Configured(AggregationSettings(arm=321)),
        messages.Paused(1 << 62, 3),
        messages.Muted(True),
        messages.Rules([], 0.5),
        messages.Drawings({}, {}),
        messages.Keys({"pause": ("f9",)}),
    )
}
UP: dict[type, Any] = {
    one.__class__: one
    for one in (
        messages.StateChanged(SHOWN),
        messages.RequestSymbol("CL"),
        messages.NeedSymbols(("CL", "NQ")),
        messages.OpenWindow(SHOWN),
        messages.QuitProgram(),
        messages.RunTask("rename", ("a", "b")),
        SetSpeed(None),
        Retry(),
    )
}


@pytest.mark.parametrize("kind", get_args(messages.Down), ids=lambda kind: kind.__name__)
def test_each_message_of_the_main_window_survives_its_line(kind: type) -> None:
    line = encode(DOWN[kind])
    assert line.count(b"\n") == 1
    assert decode_down(line) == DOWN[kind]


@pytest.mark.parametrize("kind", UP, ids=lambda kind: kind.__name__)
def test_messages_and_commands_of_a_secondary_window_survive_their_line(kind: type) -> None:
    assert decode_up(encode(UP[kind])) == UP[kind]


def test_a_windows_specification_survives_its_line() -> None:
    spec = messages.WindowSpec(
        3, "flow_gl (3)", SHOWN, {"fps": 30.0}, ("NQ",), "/tmp/w", "", "debug", "flowgl_1_links", 3
    )
    assert decode_spec(encode(spec)) == spec


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type":"show"}', b'{"type":"workspace","task":"burn","given":[]}'])
def test_anything_else_is_refused(line: bytes) -> None:
    for decode in (decode_spec, decode_down, decode_up):
        with pytest.raises(msgspec.MsgspecError):
            decode(line)

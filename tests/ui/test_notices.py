"""Missing data is named at any width, and above the size legend if both would be at the lower left."""

from types import SimpleNamespace

import numpy as np
import pytest

from flow_gl.core.palette import DARK
from flow_gl.core.schema import SESSION
from flow_gl.gl.view import Rect
from flow_gl.layers.base import Style
from flow_gl.layers.labels.legend import MIN_HEIGHT_PX
from flow_gl.ui.overlays import notices

LETTER_PX = 6.0


class RecordingPainter:
    """Records boxes and texts."""

    scale = 1.0

    def __init__(self) -> None:
        self.boxes: list[Rect] = []
        self.texts: list[str] = []

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        assert size > 0
        return len(text) * LETTER_PX * (1.1 if bold else 1.0)

    def box(self, x: float, y: float, width: float, height: float, color: object, **_: float) -> None:
        assert color is not None
        self.boxes.append(Rect(x, y, width, height))

    def text_middle(self, _x: float, _y: float, text: str, *_: object) -> None:
        self.texts.append(text)


def drawn(pane: Rect, monkeypatch: pytest.MonkeyPatch, **session: int) -> RecordingPainter:
    record = np.zeros(1, SESSION)
    for name, value in session.items():
        record[name] = value
    own = SimpleNamespace(cleared_before_ns=0, price=SimpleNamespace(is_auto=True))
    chart = SimpleNamespace(
        waiting="", condition=SimpleNamespace(is_live=True, tone=None), index=0,
        market=SimpleNamespace(session=record[0]), layout=SimpleNamespace(price=pane),
    )  # fmt: skip
    state = SimpleNamespace(palette=DARK, charts=[own], style=lambda _: Style())
    monkeypatch.setattr(notices, "go_live_pill", lambda *_: None)
    painter = RecordingPainter()
    notices.draw(painter, chart, SimpleNamespace(engine=None, scale=1.0), state, taken=[])
    return painter


TEN = 1_764_169_200_000_000_000
"""2025-11-26 10:00 New York."""
FLAWS = {"partial": 1, "first_ts": TEN, "last_ts": TEN + 1, "rejected_price": 3}


@pytest.mark.parametrize(("width", "height"), [(200, 420), (260, 700), (350, 700), (700, 900), (1_900, 900)])
def test_the_notice_of_missing_data_fits_at_any_width_and_beside_the_legend(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set(SESSION.names or ())
    pane = Rect(40.0, 30.0, float(width), float(height))
    painter = drawn(pane, monkeypatch, **{name: value for name, value in FLAWS.items() if name in names})
    assert any("data from 10:00" in text for text in painter.texts)
    radius = Style().radius_max_px
    legend = Rect(pane.x, pane.bottom - 14 - 2 * radius, 300.0, 2 * radius)
    for box in painter.boxes:
        assert pane.x <= box.x
        assert box.x + box.width <= pane.x + pane.width
        assert pane.y <= box.y
        has_legend = height >= MIN_HEIGHT_PX
        is_apart = box.x >= legend.x + legend.width or box.y + box.height <= legend.y
        assert is_apart or not has_legend


def test_a_session_outside_the_calendar_and_rejected_records_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = next(iter(notices.rejections.REASONS))
    for width, rejected, unscheduled in (
        (1_900.0, "not charted: 3 records ", "unscheduled session from Wed 26 Nov 2025 10:00 ET"),
        (200.0, "not charted: 3", "unscheduled session"),
    ):
        flaws = {"unscheduled": 1, "first_ts": TEN, "last_ts": TEN + 1, reason: 3}
        texts = drawn(Rect(0.0, 0.0, width, 420.0), monkeypatch, **flaws).texts
        assert texts[0].startswith(rejected)
        assert texts[1].startswith(unscheduled)

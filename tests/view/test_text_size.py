"""Text size and monitors of different scale: the picture follows at once, within limits, and text is sharp at any."""

import numpy as np
import pytest
from numpy.typing import NDArray

from flow_gl.gl.label_boxes import LabelBox
from flow_gl.ui.state.layout import ChartLayout
from flow_gl.ui.state.panel_layout import PanelLayout
from flow_gl.ui.state.text_size import MIN_POINTS, TEXT_SIZES, scale_of
from tests.kit.pilot import HeadlessPilot
from tests.view.label_matrix import Screen, screen_of

SHARP = 0.6
"""Share of a text's contrast that adjacent pixels of a sharp edge have at least: a bitmap upscaled by two has half."""


@pytest.mark.parametrize(
    ("content_scale", "text_size", "size", "expected"),
    [
        (1.0, 1.0, (1920, 1080), 1.0),
        (2.0, 1.5, (3840, 2160), 3.0),
        (1.5, 0.75, (1920, 1080), 1.125),
        (1.0, 3.0, (800, 600), 2.0),
        (2.0, 3.0, (200, 100), 1.0),
        (0.5, 0.75, (1920, 1080), 0.5),
    ],
)
def test_the_scale_is_the_monitors_times_the_users_as_far_as_the_window_has_room(
    content_scale: float, text_size: float, size: tuple[int, int], expected: float
) -> None:
    assert scale_of(content_scale, text_size, size) == expected
    assert expected <= 1.0 or min(size[0] / MIN_POINTS[0], size[1] / MIN_POINTS[1]) >= expected


def measures(screen: Screen) -> tuple[list[ChartLayout], PanelLayout, dict[str, tuple[float, float]]]:
    """Return what a scale decides: regions of charts and panels, and each text's width and height."""
    sizes = {one.text: (one.rect.width, one.rect.height) for one in screen.texts()}
    return [chart.layout for chart in screen.charts], screen.frame.panels, sizes


@pytest.mark.parametrize("text_size", [0.75, 1.0, 1.5])
def test_on_a_monitor_of_another_scale_everything_is_as_if_it_had_begun_there(text_size: float) -> None:
    first, second = (1920, 1080, 1.0), (2560, 1440, 1.5)
    found = []
    for begun in (second, first):
        with screen_of(2, window=begun) as screen:
            screen.state.open_panels = {"session"}
            measures(screen)
            screen.fit(second, text_size)
            found.append(measures(screen))
            assert screen.frame.scale == 1.5 * text_size
    (layouts, panels, sizes), (moved_layouts, moved_panels, moved_sizes) = found
    assert (moved_layouts, moved_panels) == (layouts, panels)
    # The price axis has its own history, so a few of its texts may be others.
    common = sizes.keys() & moved_sizes.keys()
    assert len(common) > 0.8 * len(sizes)
    assert {text: moved_sizes[text] for text in common} == {text: sizes[text] for text in common}


def sharpness(picture: NDArray[np.uint8], box: LabelBox) -> float:
    """Return the largest step between adjacent pixels of a row of a text, as a share of its contrast."""
    rect = box.rect
    part = picture[int(rect.y) : int(rect.bottom) + 1, int(rect.x) : int(rect.right) + 1].astype(float).mean(axis=2)
    return float(np.abs(np.diff(part, axis=1)).max() / np.ptp(part))


@pytest.mark.parametrize("text_size", [*TEXT_SIZES[::3], 2.37])
def test_text_of_charts_and_panels_has_sharp_edges_at_any_size(text_size: float) -> None:
    pilot = HeadlessPilot("NQZ5", size=(1800, 1200), has_picture=True, bubbles=40)
    try:
        pilot.state.text_size, pilot.state.open_panels = text_size, {"session"}
        pilot.frames(12)
        boxes = pilot.loop.label_boxes()
        picture = pilot.picture()
    finally:
        pilot.close()
    # Letters with upright stems, in the header, at the axis and in a table.
    found = {one.text: one for one in boxes if one.text in ("NQZ5", "EST") or one.text.startswith("VWAP")}
    assert {"NQZ5", "EST"} < set(found)
    for text, box in found.items():
        assert sharpness(picture, box) > SHARP, text
    # The measure tells: the same picture, upscaled from half of the pixels, is not sharp.
    half = picture[::2, ::2].astype(float)
    upscaled = 0.5 * (np.repeat(half, 2, axis=1) + np.roll(np.repeat(half, 2, axis=1), 1, axis=1))
    blurred = np.repeat(upscaled, 2, axis=0)[: picture.shape[0], : picture.shape[1]].astype(np.uint8)
    assert sharpness(blurred, found["NQZ5"]) < SHARP

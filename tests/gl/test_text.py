import numpy as np
import pytest

from flow_gl.core.palette import DARK
from flow_gl.gl.api import clear
from flow_gl.gl.capture import read_picture
from flow_gl.gl.counters import FrameCounters
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.text import Plate, TextBatch, TextStyle

WHITE = (1.0, 1.0, 1.0)
BLACK = (0.0, 0.0, 0.0)


@pytest.fixture
def batch(resources: SharedResources) -> TextBatch:
    resources.begin_draw()
    return TextBatch(resources, FrameCounters())


def drawn(batch: TextBatch) -> np.ndarray:
    clear(BLACK)
    batch.upload()
    batch.draw(640, 360)
    return read_picture(640, 360)[..., 0]


def test_digits_have_one_width_so_a_numbers_form_gives_its_width(resources: SharedResources) -> None:
    for is_bold in (False, True):
        rasterised = {resources.atlas.cell(digit * 6, 13.0, is_bold=is_bold).advance for digit in "0123456789"}
        assert rasterised == {resources.atlas.advance("123456", 13.0, is_bold=is_bold)}


def test_a_text_composed_of_glyphs_covers_the_pixels_of_the_rasterised_text(batch: TextBatch) -> None:
    batch.add("25,380.25", 100, 100, TextStyle(13, WHITE))
    whole = drawn(batch)
    for _ in range(2):  # the second time from the cache
        batch.add("25,380.25", 100, 100, TextStyle(13, WHITE), is_fleeting=True)
        np.testing.assert_array_equal(drawn(batch) > 0, whole > 0)


def test_a_label_is_drawn_at_its_position(batch: TextBatch) -> None:
    for align, low, high in (("left", 300, 345), ("center", 275, 325), ("right", 255, 300)):
        batch.add("25,380", 300, 100, TextStyle(13, WHITE, align=align))  # type: ignore[arg-type]
        columns = np.flatnonzero(drawn(batch).max(axis=0))
        assert low - 2 <= columns[0] <= columns[-1] <= high + 2, align


def test_figures_are_centred_on_y(batch: TextBatch) -> None:
    batch.add("0123456789", 100, 100, TextStyle(13, WHITE))
    lines = np.flatnonzero(drawn(batch).max(axis=1) > 60)
    assert abs((lines[0] + lines[-1] + 1) / 2 - 100) <= 1.0


def test_at_whole_pixels_a_label_equals_the_rasterised_picture(batch: TextBatch) -> None:
    batch.add("1", 100, 100, TextStyle(13, WHITE))
    first = drawn(batch)
    batch.add("1", 117, 131, TextStyle(13, WHITE))
    np.testing.assert_array_equal(np.roll(first, (31, 17), (0, 1)), drawn(batch))


def test_half_a_pixel_moves_a_label_by_half_a_pixel(batch: TextBatch) -> None:
    columns = np.arange(640)
    middles = []
    for x in (100.0, 100.5):
        batch.add("8", x, 100, TextStyle(13, WHITE))
        weight = drawn(batch).astype(float).sum(axis=0)
        middles.append((weight * columns).sum() / weight.sum())
    assert middles[1] - middles[0] == pytest.approx(0.5, abs=0.02)


def test_a_plate_lies_behind_its_label(batch: TextBatch) -> None:
    batch.add("25,380.25", 100, 100, TextStyle(13, BLACK), plate=Plate(WHITE))
    picture = drawn(batch)
    assert picture[100, 97] == 255
    assert picture[92:108, 100:150].min() < 60


def test_a_string_is_rasterised_once(resources: SharedResources) -> None:
    assert resources.atlas.cell("once 1", 13.0) is resources.atlas.cell("once 1", 13.0)


@pytest.mark.usefixtures("context")
def test_a_full_atlas_is_cleared_only_between_frames() -> None:
    resources = SharedResources()
    atlas = resources.atlas
    batch = TextBatch(resources, FrameCounters())
    batch.add("held", 10, 10, TextStyle(13, WHITE))
    batch.upload()
    number = 0
    while not atlas.is_nearly_full:
        atlas.cell(f"{number:,} filler", 60.0)
        number += 1
    atlas.begin_frame()
    assert atlas.generation == 0
    resources.begin_draw()
    batch.draw(640, 360)
    atlas.begin_frame()
    assert atlas.generation == 1
    batch.add("held", 100, 100, TextStyle(13, DARK.text))
    assert drawn(batch).max() > 100
    batch.release()
    resources.release()


def test_an_upward_label_is_the_label_rotated_by_90_degrees(batch: TextBatch) -> None:
    batch.add("closed 5 h", 100, 100, TextStyle(13, WHITE, align="center"))
    flat = drawn(batch)
    batch.add_upward("closed 5 h", 100, 100, TextStyle(13, WHITE))
    upward = drawn(batch)
    boxes = []
    for picture in (np.rot90(flat), upward):
        rows, columns = (np.flatnonzero(picture.max(axis=axis)) for axis in (1, 0))
        boxes.append(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    np.testing.assert_array_equal(*boxes)
    rows, columns = (np.flatnonzero(upward.max(axis=axis)) for axis in (1, 0))
    assert abs((rows[0] + rows[-1]) / 2 - 100) <= 2
    assert abs((columns[0] + columns[-1]) / 2 - 100) <= 4

"""Reference pictures, pixel by pixel. Differences are saved to out/render with the expected and the actual picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flow_gl.gl.capture import write_png
from flow_gl.gl.resources import SharedResources
from flow_gl.gl.surface.context import HeadlessContext, describe
from tests.render.pictures import LARGE, PICTURES, REFERENCES, Picture, busy_minute

OUT = Path(__file__).parents[2] / "out" / "render"
TOLERANCE = 1


@pytest.mark.parametrize("make", PICTURES, ids=lambda make: make.__name__)
def test_a_picture_equals_its_reference(
    context: HeadlessContext, resources: SharedResources, make: Callable[[SharedResources], Picture]
) -> None:
    if "llvmpipe" not in describe()["renderer"]:
        pytest.skip(f"references are of the software rasteriser, this is {describe()['renderer']}")
    if make in LARGE:
        context.target.resize(1920, 1080)
    picture = make(resources)
    reference = np.asarray(Image.open(REFERENCES / f"{make.__name__}.png"))
    difference = np.abs(picture.astype(int) - reference.astype(int))
    if difference.max() > TOLERANCE:
        write_png(OUT / f"{make.__name__}.png", picture)
        write_png(OUT / f"{make.__name__}.expected.png", reference)
        write_png(OUT / f"{make.__name__}.difference.png", np.minimum(difference * 16, 255).astype(np.uint8))
    worst = f"{np.count_nonzero(difference.max(axis=2) > TOLERANCE)} pixels differ, see {OUT}"
    assert difference.max() <= TOLERANCE, worst


def test_one_lost_bubble_would_be_detected(resources: SharedResources, monkeypatch: pytest.MonkeyPatch) -> None:
    from flow_gl.layers.rows import mirror

    reference = np.asarray(Image.open(REFERENCES / "busy_minute.png"))
    sync = mirror.Mirror.sync

    def losing(mirrored: mirror.Mirror, *arguments: Any) -> None:
        sync(mirrored, *arguments)
        mirrored.rows.hi -= 1

    monkeypatch.setattr(mirror.Mirror, "sync", losing)
    difference = np.abs(busy_minute(resources).astype(int) - reference.astype(int))
    assert difference.max() > 10 * TOLERANCE

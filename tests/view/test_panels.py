"""Every panel of the table opens with its key and shows something."""

from collections.abc import Iterator

import numpy as np
import pytest

from flow_gl.core.panels import PANELS, PanelEntry
from tests.kit.pilot import HeadlessPilot

FRAMES = 15
"""Half a second, in which a panel's texts have been formed."""


@pytest.fixture(scope="module")
def pilot() -> Iterator[HeadlessPilot]:
    found = HeadlessPilot("NQZ5", size=(1000, 600), has_picture=True, frame_s=1 / 30)
    with found.unseen():
        found.frames(10)
    yield found
    found.close()


@pytest.mark.parametrize("entry", PANELS, ids=lambda entry: entry.name)
def test_a_panel_opens_and_closes_with_its_key(pilot: HeadlessPilot, entry: PanelEntry) -> None:
    without = pilot.picture()
    with pilot.unseen():
        pilot.press(entry.keys[0])
        pilot.frames(FRAMES)
    assert pilot.state.open_panels == {entry.name}
    shown = np.any(pilot.picture() != without, axis=-1)
    assert np.count_nonzero(shown) > 0.1 * shown.size
    with pilot.unseen():
        pilot.press(entry.keys[0])
        pilot.frames(FRAMES)
    assert pilot.state.open_panels == set()

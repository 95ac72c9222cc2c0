from collections.abc import Iterator

import pytest

from flow_gl.gl.surface.context import HeadlessContext


@pytest.fixture
def surface() -> Iterator[HeadlessContext]:
    """A target of 160x90 pixels, its context current."""
    found = HeadlessContext(160, 90)
    yield found
    found.close()

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow_gl.core.errors import FlowError
from flow_gl.gl.api import clear
from flow_gl.gl.capture import read_picture, write_png


def gradient(width: int = 61, height: int = 37) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 4 % 256, y * 7 % 256, (x + y) % 256], axis=2).astype(np.uint8)


def test_a_png_reads_back_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "shot.png"
    write_png(path, gradient())
    np.testing.assert_array_equal(np.asarray(Image.open(path)), gradient())
    assert list(path.parent.iterdir()) == [path]


def test_a_png_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="the picture cannot be written"):
        write_png(tmp_path / "file" / "shot.png", gradient())


@pytest.mark.usefixtures("context")
def test_the_first_row_of_a_picture_is_the_top() -> None:
    from flow_gl.gl.api import GL

    clear((0.0, 0.0, 0.0))
    GL.glEnable(GL.GL_SCISSOR_TEST)
    GL.glScissor(0, 350, 640, 10)
    clear((1.0, 0.0, 0.0))
    GL.glDisable(GL.GL_SCISSOR_TEST)
    picture = read_picture(640, 360)
    assert tuple(picture[0, 0]) == (255, 0, 0)
    assert tuple(picture[20, 0]) == (0, 0, 0)

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow_gl.core.errors import DisplayError, FlowError
from flow_gl.core.system import mp4
from flow_gl.gl import capture
from flow_gl.gl.api import clear
from flow_gl.gl.capture import PixelReader, VideoWriter, read_picture, write_png
from tests.full_disk import full_disk


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


@pytest.mark.usefixtures("context")
def test_a_video_gets_every_frame_once_in_order() -> None:
    reader = PixelReader(640, 360)
    seen = []
    for shade in range(5):
        clear((shade / 255, 0.0, 0.0))
        picture = reader.read()
        if picture is not None:
            seen.append(int(picture[0, 0, 0]))
    last = reader.finish()
    assert last is not None
    assert [*seen, int(last[0, 0, 0])] == [0, 1, 2, 3, 4]
    reader.release()


def test_a_video_has_the_frames_and_the_rate_it_was_given(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    writer = VideoWriter(tmp_path / "clip.mp4", 161, 91, frames_per_second=30)
    for shade in range(12):
        writer.add(np.full((91, 161, 3), shade * 20, np.uint8))
    writer.close()
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        stream = clip.streams.video[0]
        assert stream.average_rate == 30
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert len(frames) == 12
    assert frames[0].shape == (90, 160, 3)
    assert frames[11].mean() == pytest.approx(220, abs=4)


def test_a_video_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match="the video cannot be written"):
        VideoWriter(tmp_path / "file" / "clip.mp4", 64, 64)


def test_without_the_video_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DisplayError, match=r"PyAV, which is not installed: .*('video'|\"av>=)"):
        capture.VideoWriter(tmp_path / "clip.mp4", 64, 64)


def noise(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (90, 160, 3), np.uint8) for _ in range(count)]


def write_all(path: Path, pictures: list[np.ndarray]) -> None:
    writer = VideoWriter(path, 160, 90, frames_per_second=10)
    for picture in pictures:
        writer.add(picture)
    writer.close()


def frames_of(path: Path) -> int:
    av = pytest.importorskip("av")
    with av.open(str(path)) as clip:
        return sum(1 for _ in clip.decode(video=0))


def test_a_video_on_a_disk_that_fills_up_plays_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with full_disk(400_000), pytest.raises(FlowError, match=r"clip\.mp4: the video cannot be written: File too large"):
        write_all(path, noise(200))
    assert 10 <= frames_of(path) < 200
    assert path.stat().st_size == mp4.whole_length(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_video_without_a_picture_on_the_disk_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with full_disk(0), pytest.raises(FlowError, match="the video cannot be written"):
        write_all(path, noise(30))
    assert list(tmp_path.iterdir()) == []


def test_the_video_of_a_killed_program_plays(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = VideoWriter(path, 160, 90, frames_per_second=10)
    for picture in noise(60):
        writer.add(picture)
    left = tmp_path / "left.mp4"
    left.write_bytes(path.read_bytes())  # what a killed program leaves behind
    writer.close()
    assert 30 <= frames_of(left) < 60
    assert frames_of(path) == 60


@pytest.mark.parametrize("cut", [0, 7, 100, 1500, 20_000])
def test_a_file_is_cut_after_its_last_complete_fragment(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = VideoWriter(path, 160, 90, frames_per_second=10)
    for picture in noise(30):
        writer.add(picture)
    writer.close()
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: max(0, whole - cut)] + b"\x00\x00")
    mp4.leave_whole(path)
    assert 0 < frames_of(path) <= 30
    path.write_bytes(b"\x00\x00\x00\x01mdat" + bytes(30))
    mp4.leave_whole(path)
    assert not path.exists(), "no length is endless"


def test_a_device_is_written_to_but_never_truncated() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(FlowError, match="No space left on device"):
        write_all(Path("/dev/full"), noise(30))
    assert Path("/dev/full").is_char_device()

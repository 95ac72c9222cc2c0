"""Streams and files: what is encoded plays, whatever ends the program, and any run of its fragments does too."""

from pathlib import Path

import numpy as np
import pytest

from flow_gl.core.errors import DisplayError, FlowError
from flow_gl.core.system import mp4
from flow_gl.view.video.codec import Encoder
from flow_gl.view.video.cursor import draw_cursor
from flow_gl.view.video.files import Newest, VideoFile
from flow_gl.view.video.fragments import Fragment, Splitter
from tests.full_disk import full_disk

av = pytest.importorskip("av")
FPS = 10


def picture(shade: int) -> np.ndarray:
    return np.full((90, 160, 4), shade, np.uint8)


def noise(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (90, 160, 4), np.uint8) for _ in range(count)]


def write_all(path: Path, pictures: list[np.ndarray]) -> None:
    file = VideoFile(path)
    encoder = Encoder(160, 90, FPS, file.write)
    for one in pictures:
        encoder.add(one)
    encoder.close()
    file.close()


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as clip:
        return [frame.time for frame in clip.decode(video=0)]


def shades_of(path: Path) -> list[float]:
    with av.open(str(path)) as clip:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in clip.decode(video=0)]


def test_a_video_has_the_frames_and_the_rate_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    file = VideoFile(path)
    encoder = Encoder(161, 91, 30, file.write)
    for shade in range(6):
        encoder.add(np.full((91, 161, 4), shade * 40, np.uint8), repeats=1)
    encoder.close()
    file.close()
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        assert stream.average_rate == 30
        assert (stream.width, stream.height) == (160, 90), "encoders need an even size"
    # The first picture has nothing to repeat; then each picture stands until the next.
    assert np.round(np.array(shades_of(path)) / 40).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert encoder.frames == 11


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError, match=r"clip\.mp4: the video cannot be written"):
        VideoFile(tmp_path / "file" / "clip.mp4")


def test_without_the_video_package_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DisplayError, match=r"PyAV, which is not installed: .*('video'|\"av>=)"):
        Encoder(64, 64, 30, lambda _: None)


def test_an_encoder_without_its_hardware_is_passed_over() -> None:
    assert Encoder(64, 64, 30, lambda _: None, codecs=("no such codec", "h264_nvenc", "mpeg4")).codec in (
        "h264_nvenc",
        "mpeg4",
    )
    with pytest.raises(DisplayError, match="no video encoder works: no such codec: "):
        Encoder(64, 64, 30, lambda _: None, codecs=("no such codec",))


def test_a_video_on_a_disk_that_fills_up_plays_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with full_disk(400_000), pytest.raises(FlowError, match=r"clip\.mp4: the video cannot be written: File too large"):
        write_all(path, noise(200))
    assert 10 <= len(times_of(path)) < 200
    assert path.stat().st_size == mp4.whole_length(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_video_without_a_picture_on_the_disk_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with full_disk(0), pytest.raises(FlowError, match="the video cannot be written"):
        write_all(path, noise(30))
    assert list(tmp_path.iterdir()) == []


def test_the_video_of_a_killed_program_plays(tmp_path: Path) -> None:
    path, left = tmp_path / "clip.mp4", tmp_path / "left.mp4"
    file = VideoFile(path)
    encoder = Encoder(160, 90, FPS, file.write)
    for one in noise(60):
        encoder.add(one)
    left.write_bytes(path.read_bytes())  # what a killed encoder leaves behind
    encoder.close()
    file.close()
    assert 30 <= len(times_of(left)) < 60
    assert len(times_of(path)) == 60


@pytest.mark.parametrize("cut", [0, 7, 100, 1500, 20_000])
def test_a_file_is_cut_after_its_last_complete_fragment(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_all(path, noise(30))
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: max(0, whole - cut)] + b"\x00\x00")
    mp4.leave_whole(path)
    assert 0 < len(times_of(path)) <= 30
    path.write_bytes(b"\x00\x00\x00\x01mdat" + bytes(30))
    mp4.leave_whole(path)
    assert not path.exists(), "no length is endless"


def test_a_device_is_written_to_but_never_truncated() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(FlowError, match="No space left on device"):
        write_all(Path("/dev/full"), noise(30))
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_a_stream_is_split_alike_in_pieces_of_any_size(size: int) -> None:
    stream = bytearray()
    encoder = Encoder(160, 90, FPS, stream.extend)
    for shade in range(25):
        encoder.add(picture(shade))
    encoder.close()
    splitter = Splitter()
    found: list[Fragment] = []
    for at in range(0, len(stream), size):
        found += splitter.add(bytes(stream[at : at + size]))
    assert len(found) == 3
    together = splitter.header + b"".join(fragment.data for fragment in found)
    assert bytes(stream).startswith(together)  # an index of the whole file may follow
    assert [fragment.begins for fragment in found] == sorted(fragment.begins for fragment in found)


def test_the_newest_seconds_are_a_separate_file(tmp_path: Path) -> None:
    newest = Newest(3.0)
    encoder = Encoder(160, 90, FPS, newest.take)
    for shade in range(100):
        encoder.add(picture(shade))
        newest.drop_old(encoder.units_per_second)
    encoder.close()
    newest.next_stream(encoder.units)
    newest.save(tmp_path / "a.mp4")
    times = times_of(tmp_path / "a.mp4")
    assert 30 <= len(times) <= 65, "three seconds, and what was in the encoder"
    assert times[0] == 0.0
    assert shades_of(tmp_path / "a.mp4")[-1] == pytest.approx(99, abs=2)
    # Another stream continues it: the next file has the end of the first and all of the second.
    encoder = Encoder(160, 90, FPS, newest.take)
    for shade in range(100, 115):
        encoder.add(picture(shade))
        newest.drop_old(encoder.units_per_second)
    encoder.close()
    newest.next_stream(encoder.units)
    newest.save(tmp_path / "b.mp4")
    shades = shades_of(tmp_path / "b.mp4")
    assert np.allclose(shades, np.arange(115 - len(shades), 115), atol=2)
    assert np.allclose(np.diff(times_of(tmp_path / "b.mp4")), 1 / FPS, atol=1e-3)


def test_nothing_kept_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"a\.mp4: there is nothing to save yet"):
        Newest(3.0).save(tmp_path / "a.mp4")


@pytest.mark.parametrize("place", [(0, 0), (50, 30), (155, 88), (-5, -5), (400, 400)])
def test_the_mouse_is_drawn_as_far_as_it_is_in_the_picture(place: tuple[int, int]) -> None:
    one = picture(100)
    draw_cursor(one, *place)
    x, y = place
    changed = np.argwhere((one != 100).any(axis=2))
    if 0 <= x < 160 and 0 <= y < 90:
        assert changed.min(axis=0).tolist() == [y, x]
        assert tuple(one[y, x, :3]) == (0, 0, 0)
    else:
        assert len(changed) < 200
    assert (one[..., 3] == 100).all()

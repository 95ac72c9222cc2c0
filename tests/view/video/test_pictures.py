"""Screenshots: of the window, of one chart, on the clipboard, each with its caption."""

import struct
from pathlib import Path

import pytest

from flow_gl.core.palette import PALETTES
from flow_gl.gl.caption import Cell, strip_of
from flow_gl.ui.input.action import Request
from flow_gl.ui.overlays import words
from flow_gl.ui.overlays.caption import caption, rows
from flow_gl.view.video.pictures import NO_CLIPBOARD, PictureSaver, chart_area, picture_name
from flow_gl.view.video.requests import serve
from tests.kit.pilot import HeadlessPilot


@pytest.fixture
def pilot():
    found = HeadlessPilot("NQZ5", "ESZ5", size=(800, 480), bubbles=60)
    found.until_idle()
    yield found
    found.close()


def size_of(path: Path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def test_a_picture_of_one_chart_has_its_size_and_its_name_alone(pilot, tmp_path):
    pane = pilot.charts[1].layout.outer
    pilot.move((pane.x + 0.5 * pane.width, pane.y + 0.5 * pane.height))
    pilot.press("shift+s")
    assert pilot.loop.input.take_requests() == [Request.SCREENSHOT_CHART]
    pilot.state.pictures.has_caption = False
    saver, area = PictureSaver(tmp_path), chart_area(pilot.frame, pilot.state.pictured)
    assert area == pane
    name = picture_name(pilot.frame, 0, pilot.state.pictured)
    assert pilot.charts[1].name in name
    assert pilot.charts[0].name not in name
    saver.save(pilot.loop, f"{name}.png", pilot.state.pictured)
    saver.close()
    assert saver.news() == [f"saved {tmp_path / name}.png"]
    assert size_of(tmp_path / f"{name}.png") == (round(pane.width), round(pane.height))


def test_the_picture_is_given_to_the_program_that_has_the_clipboard(pilot, tmp_path, monkeypatch):
    program = tmp_path / "xclip"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n/bin/cat > {tmp_path}/picture.png\n')
    program.chmod(0o755)
    for name, value in (("PATH", str(tmp_path)), ("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "")):
        monkeypatch.setenv(name, value)
    saver = PictureSaver(tmp_path)
    saver.copy(pilot.loop)
    saver.close()
    assert saver.news() == ["copied the picture"]
    assert (tmp_path / "arguments").read_text().strip() == "-selection clipboard -t image/png"
    width, height = pilot.surface.size
    assert size_of(tmp_path / "picture.png") == (width, height + len(caption(pilot.frame, pilot.state, width)))
    program.write_text("#!/bin/sh\nexit 3\n")
    saver.copy(pilot.loop)
    saver.close()
    assert "did not take the picture" in saver.news()[0]


def test_without_such_a_program_one_line_names_which_to_install(pilot, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    saver = PictureSaver(tmp_path)
    saver.copy(pilot.loop)
    assert saver.news() == [NO_CLIPBOARD]


def test_keys_change_the_text_size_in_steps_between_its_limits(pilot):
    pilot.press("ctrl+shift+up_arrow")
    assert pilot.state.text_size == 1.1
    pilot.press(*["ctrl+shift+down_arrow"] * 4)
    assert pilot.state.text_size == 0.75
    assert pilot.charts[0].scene.price_view.scale == 0.75


def texts(pilot, chart=None):
    return [[cell.text for cell in row if cell.text] for row in rows(pilot.frame, pilot.state, chart)]


def test_the_caption_describes_what_the_chart_shows(pilot):
    market, (row, _) = pilot.charts[0].market, texts(pilot)
    session, profile, tick = market.session, market.profile, market.tick_size
    volume = int(session["buy"] + session["sell"] + session["unsided"])
    at = pilot.frame.event_ns
    assert row == [
        "NQZ5",
        f"{words.day(at)} {words.clock(at)} ET",
        words.price(int(session["last_price"]), tick),
        f"CVD {words.signed(int(session['cvd']))}",
        f"volume {volume:,}",
        *(f"{name} {words.price(int(profile[name.lower()]), tick)}" for name in ("POC", "VAH", "VAL")),
    ]
    assert [one[0] for one in texts(pilot, 1)] == ["ESZ5"], "a picture of one chart has its numbers alone"


def test_the_caption_counts_cvd_as_the_header_does(pilot):
    pilot.press("1", "r")
    pilot.frames(10)
    reference = pilot.state.charts[0].cvd_reference(pilot.charts[0].market)
    (row,) = texts(pilot)
    assert row[3:5] == [f"CVD 0 since {words.clock(reference.at_ns)}", f"session CVD {words.signed(reference.cvd)}"]


@pytest.mark.parametrize("palette", sorted(PALETTES))
def test_the_caption_is_a_strip_in_the_palette_below_the_picture(pilot, palette):
    pilot.state.palette = PALETTES[palette]
    strip = caption(pilot.frame, pilot.state, 800)
    ground = [round(255 * one) for one in PALETTES[palette].raised]
    assert strip[2, 0].tolist() == ground
    assert (strip != ground).any()
    pilot.state.pictures.has_caption = False
    assert caption(pilot.frame, pilot.state, 800).shape == (0, 800, 3)


@pytest.mark.parametrize("width", [1920, 700, 320])
def test_no_text_of_a_caption_is_cut_where_the_picture_is_narrow(width):
    white = (1.0, 1.0, 1.0)
    cells = [Cell(f"VALUE {number},000.25", white) for number in range(8)]
    strip = strip_of([cells, cells], width, scale=1.0, ground=(0.0, 0.0, 0.0), border=white)
    wide = strip_of([cells, cells], 4_000, scale=1.0, ground=(0.0, 0.0, 0.0), border=white)
    # The same letters, only in other places: as much is covered.
    assert strip[1:].astype(int).sum() == pytest.approx(wide[1:].astype(int).sum(), rel=0.02)
    assert not strip[1:, -4:].any()


def test_a_chart_without_trades_has_no_caption():
    empty = HeadlessPilot("NQZ5", size=(400, 300), bubbles=0)
    empty.frames(3)
    assert rows(empty.frame, empty.state) == []
    empty.close()


def test_a_screenshot_shows_no_note_and_no_hint_and_the_window_shows_them_again(pilot, tmp_path):
    pilot.state.selected = 1  # one chart, in which a hint has room
    pilot.state.hints.is_on = True
    pilot.loop.overlays.notes.add("copied the picture", pilot.frame.steady_s)
    pilot.frames(8)
    saver, shown = PictureSaver(tmp_path), []
    pilot.loop.gui.painter.boxes = shown
    serve(Request.SCREENSHOT, pilot.loop, saver, None, pilot.clock)
    saver.close()
    assert shown
    hint = pilot.state.hints.current.text.split("}")[-1]
    assert not [box.text for box in shown if box.text == "copied the picture" or hint in box.text]
    shown.clear()
    pilot.frames(8)
    pilot.loop.gui.painter.boxes = None
    assert "copied the picture" in {box.text for box in shown}
    assert any(hint in box.text for box in shown)

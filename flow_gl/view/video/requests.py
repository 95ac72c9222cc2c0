"""Carries out requests for screenshots and videos."""

from typing import Final

from flow_gl.core.clock import Clock
from flow_gl.ui.input.action import Request
from flow_gl.view.frame_loop import FrameLoop
from flow_gl.view.video.pictures import PictureSaver, picture_name
from flow_gl.view.video.session import VideoSession

_OF_CHART: Final = (Request.SCREENSHOT_CHART, Request.COPY_CHART)


def serve(request: Request, loop: FrameLoop, saver: PictureSaver, video: VideoSession, clock: Clock) -> None:
    """Carry out a request for a picture or a video; ignore any other."""
    chart = loop.state.pictured if request in _OF_CHART else None
    name = picture_name(loop.frame, clock.wall_ns(), chart)
    if request in (Request.SCREENSHOT, Request.SCREENSHOT_CHART):
        _draw_without_notes(loop)
        saver.save(loop, f"{name}.png", chart)
    elif request in (Request.COPY_PICTURE, Request.COPY_CHART):
        _draw_without_notes(loop)
        saver.copy(loop, chart)
    elif request is Request.RECORD:
        video.toggle(name)
    elif request is Request.SAVE_NEWEST:
        video.save_newest(name)
    elif request is Request.KEEP_VIDEO:
        video.toggle_keeping()


def _draw_without_notes(loop: FrameLoop) -> None:
    """Draw a picture to be kept: without short notes and hints, and with the labels that these had displaced."""
    loop.overlays.has_notes = False
    for _ in range(2):
        loop.run_for_picture()
    loop.overlays.has_notes = True

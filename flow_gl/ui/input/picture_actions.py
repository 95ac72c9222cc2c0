"""Actions of screenshots and videos: of all charts or of one, to a file or to the clipboard."""

from flow_gl.ui.input.action import Action, Context, Request, Run
from flow_gl.ui.state.picture_options import SAVING, PictureOptions
from flow_gl.ui.state.view_state import ViewState


def _ask(request: Request) -> Run:
    return lambda context: context.requests.append(request)


def _of_chart(request: Request) -> Run:
    """Return code that requests a picture of the focused chart, or of the first one without focus."""

    def run(context: Context) -> None:
        shown = context.state.visible_charts(max(1, len(context.names)))
        context.state.pictured = shown[0] if context.focus is None else context.focus
        context.requests.append(request)

    return run


def _switch(name: str, title: str, field: str, is_on: str, is_off: str) -> Action:
    """Return an action that toggles one of the picture options and reports its new state."""
    assert field in PictureOptions.__slots__

    def run(context: Context) -> None:
        options = context.state.pictures
        setattr(options, field, not getattr(options, field))
        context.notes.append(is_on if getattr(options, field) else is_off)

    def is_checked(state: ViewState) -> bool:
        return bool(getattr(state.pictures, field))

    return Action(name, title, (), "Program", run, is_checked)


def actions() -> tuple[Action, ...]:
    """Return the actions, in the order of help and menus."""
    both = ("header", "chart")
    return (
        Action("screenshot", "Save a screenshot", ("s",), "Program", _ask(Request.SCREENSHOT), menus=both),
        Action(
            "screenshot_chart",
            "Save a screenshot of this chart",
            ("shift+s",),
            "Program",
            _of_chart(Request.SCREENSHOT_CHART),
            menus=both,
        ),
        Action("copy_picture", "Copy the picture", ("ctrl+shift+c",), "Program", _ask(Request.COPY_PICTURE)),
        Action(
            "copy_chart", "Copy the picture of this chart", (), "Program", _of_chart(Request.COPY_CHART), menus=both
        ),
        _switch(
            "caption",
            "Caption below screenshots",
            "has_caption",
            "screenshots have a caption",
            "screenshots have no caption",
        ),
        Action(
            "record",
            "Record a video",
            ("ctrl+r",),
            "Program",
            _ask(Request.RECORD),
            lambda s: s.video_sign not in ("", SAVING),
            menus=("header",),
        ),
        Action("save_newest", "Save the newest seconds as a video", ("ctrl+s",), "Program", _ask(Request.SAVE_NEWEST)),
        Action(
            "keep_video",
            "Keep the newest 60 seconds of video",
            (),
            "Program",
            _ask(Request.KEEP_VIDEO),
            lambda s: s.pictures.is_keeping,
        ),
        _switch(
            "video_cursor",
            "Mouse cursor in videos",
            "has_cursor",
            "videos show the mouse cursor",
            "videos do not show the mouse cursor",
        ),
        _switch(
            "video_overlays",
            "Header and panels in videos",
            "has_overlays",
            "videos show header and panels",
            "videos show only the charts",
        ),
    )

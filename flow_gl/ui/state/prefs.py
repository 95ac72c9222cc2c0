"""Preferences, kept from one run to the next in a JSON file in the user's folder: panels, palette, sizes, filters."""

from pathlib import Path
from typing import Annotated

import msgspec

from flow_gl.core.market.lod import THRESHOLD
from flow_gl.core.palette import PALETTES
from flow_gl.core.panels import PANEL_NAMES
from flow_gl.core.settings import DECLARED, Settings
from flow_gl.core.settings.program import SCALE_RANGE
from flow_gl.core.system import folders
from flow_gl.core.system.files import write_whole
from flow_gl.layers.base import LAYER_OF_EVENT, LAYERS
from flow_gl.ui.state.hints import Hints
from flow_gl.ui.state.layout import CVD_SHARE
from flow_gl.ui.state.panel_layout import MOST_COLUMN_PX, PanelPlaces, Place
from flow_gl.ui.state.timeline import Folding
from flow_gl.ui.state.view_state import ViewState


def _range(name: str) -> msgspec.Meta:
    """Return the declared range of a setting that is also a preference."""
    setting = DECLARED[name].setting
    return msgspec.Meta(ge=setting.ge, le=setting.le)


_ColumnWidth = Annotated[float, msgspec.Meta(ge=0, le=MOST_COLUMN_PX)]


class Preferences(msgspec.Struct, kw_only=True, forbid_unknown_fields=False):
    """All preferences with their limits. A file that violates one is rejected as a whole."""

    palette: str = "dark"
    panels: list[str] = []
    shown_layers: dict[str, bool] = {}
    """By layer name; a layer that the file does not name keeps its default, so new layers appear."""
    cvd_share: Annotated[float, msgspec.Meta(ge=0.05, le=0.7)] = CVD_SHARE
    span_s: Annotated[float, msgspec.Meta(gt=0, le=1e7)] = 180.0
    folding: Folding = "closed"
    threshold: Annotated[float, _range("threshold")] = THRESHOLD
    size_floor: Annotated[int, msgspec.Meta(ge=0)] = 0
    percentile: Annotated[float, msgspec.Meta(ge=0, le=99.9)] = 0.0
    size_scale: Annotated[float, _range("size_scale")] = 1.0
    has_cvd_candles: bool = False
    tape_floor: Annotated[int, msgspec.Meta(ge=1)] = 1
    is_muted: bool = False
    has_transport: bool = True
    """Show the transport bar in a replay."""
    width: Annotated[int, msgspec.Meta(ge=0, le=20000)] = 0
    """Window size in screen units; 0 if unknown."""
    height: Annotated[int, msgspec.Meta(ge=0, le=20000)] = 0
    panel_places: dict[str, Place] = {}
    recent_panels: list[str] = []
    left_column_px: _ColumnWidth = 0.0
    right_column_px: _ColumnWidth = 0.0
    """0: the usual width, which depends on the number of charts."""
    ui_scale: Annotated[float, msgspec.Meta(ge=0, le=SCALE_RANGE[1])] = 0.0
    """0: the monitor's."""
    recent_actions: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    used_hints: list[str] = []


def default_path() -> Path:
    """Return the path of `view.json` in the user's config folder."""
    return folders.config_dir() / "view.json"


def load(path: Path) -> tuple[Preferences, str]:
    """Read a file of preferences.

    Returns
    -------
    preferences : the defaults if the file does not exist or cannot be used
    warning : one line for the user if it cannot be used, else ""
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Preferences(), ""
    except OSError as error:
        return Preferences(), f"cannot read {path}: {error.strerror or error}; using defaults"
    try:
        return msgspec.json.decode(text, type=Preferences), ""
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        return Preferences(), f"{path} is damaged ({error}); using defaults; the file is replaced on exit"


def save(path: Path, preferences: Preferences) -> str:
    """Write the file atomically. Returns "", or one line if it could not be written."""
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(preferences), indent=1))
    except OSError as error:
        return f"cannot save the view to {path}: {error.strerror or error}"
    return ""


def apply(state: ViewState, preferences: Preferences, settings: Settings) -> None:
    """Initialise a state from the settings of this run, and from the preferences where a setting was not given."""
    name = settings.palette or preferences.palette
    state.palette = PALETTES.get(name, state.palette)
    state.open_panels = set(preferences.panels if settings.panels is None else settings.panels) & set(PANEL_NAMES)
    defaults = {name: name in state.filters.layers for name in LAYERS}
    state.filters.layers = {name for name in LAYERS if preferences.shown_layers.get(name, defaults[name])}
    if settings.marks is not None:
        state.filters.layers -= set(LAYER_OF_EVENT.values())
        state.filters.layers |= {LAYER_OF_EVENT[name] for name in settings.marks}
    state.cvd_share = preferences.cvd_share
    state.is_muted = preferences.is_muted
    state.transport.is_shown = preferences.has_transport
    state.panel_places = PanelPlaces(
        tuple((name, place) for name, place in preferences.panel_places.items() if name in PANEL_NAMES),
        tuple(name for name in preferences.recent_panels if name in PANEL_NAMES),
        preferences.left_column_px,
        preferences.right_column_px,
    )
    state.ui_scale = settings.scale or preferences.ui_scale
    state.recent_actions = list(preferences.recent_actions)
    state.hints = Hints(set(preferences.used_hints))
    span_s = preferences.span_s if settings.span_s is None else settings.span_s
    state.time.span_ns = span_s * 1e9
    state.folding = settings.folding or preferences.folding
    state.aggregation = settings.aggregation
    filters = state.filters
    filters.threshold = preferences.threshold if settings.threshold is None else settings.threshold
    filters.has_cvd_candles = preferences.has_cvd_candles if settings.cvd_as is None else settings.cvd_as == "candles"
    filters.tape_floor = preferences.tape_floor
    filters.size_scale = preferences.size_scale if settings.size_scale is None else settings.size_scale
    if settings.size_floor is None:
        filters.size_floor, filters.percentile = preferences.size_floor, preferences.percentile
    else:
        filters.size_floor, filters.percentile = settings.size_floor, 0.0


def gather(state: ViewState, *, width: int, height: int, plot_width_px: float) -> Preferences:
    """Return the preferences to save for a state."""
    span_s = state.time.ns_per_px * plot_width_px / 1e9
    places = state.panel_places
    return Preferences(
        palette=state.palette.name,
        panels=sorted(state.open_panels),
        shown_layers={name: name in state.filters.layers for name in LAYERS},
        cvd_share=state.cvd_share,
        span_s=min(max(span_s, 1.0), 1e7) if span_s > 0 else 180.0,
        folding=state.folding,
        threshold=state.filters.threshold,
        size_floor=state.filters.size_floor,
        percentile=state.filters.percentile,
        size_scale=state.filters.size_scale,
        has_cvd_candles=state.filters.has_cvd_candles,
        tape_floor=state.filters.tape_floor,
        is_muted=state.is_muted,
        has_transport=state.transport.is_shown,
        width=width,
        height=height,
        panel_places=dict(places.places),
        recent_panels=list(places.recent),
        left_column_px=places.left_px,
        right_column_px=places.right_px,
        ui_scale=state.ui_scale,
        recent_actions=list(state.recent_actions),
        used_hints=state.hints.used,
    )

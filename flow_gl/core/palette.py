"""The colours of shaders and overlays. Every palette defines the same slots."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

Rgb = tuple[float, float, float]
MIN_CONTRAST: Final = 4.5
"""Contrast of text against its background (WCAG 2.1, level AA)."""
_STEPS: Final = 20


def rgb(hex_code: str) -> Rgb:
    """Parse `#rrggbb` to components 0..1 (as displayed, not linear)."""
    value = int(hex_code.removeprefix("#"), 16)
    return ((value >> 16) / 255, (value >> 8 & 255) / 255, (value & 255) / 255)


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Return the colour between two: 0 is the first, 1 the second."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def contrast(a: Rgb, b: Rgb) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.1, section 1.4.3)."""
    darker, lighter = sorted((_luminance(a), _luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Rgb) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=256)
def readable(color: Rgb, behind: Rgb, text: Rgb) -> Rgb:
    """Return `color`, moved towards `text` as far as it must be to be legible on `behind`."""
    for step in range(_STEPS):
        found = mix(color, text, step / _STEPS)
        if contrast(found, behind) >= MIN_CONTRAST:
            return found
    return text


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of chart and panels: components 0 to 1, sRGB."""

    name: str
    ground: Rgb
    raised: Rgb  # panels, header
    grid: Rgb
    text: Rgb  # primary text
    quiet: Rgb  # labels
    buy: Rgb
    sell: Rgb
    balanced: Rgb
    attention: Rgb  # POC, warnings
    information: Rgb  # value area
    plate: Rgb  # background of a value on the chart
    plate_text: Rgb


DARK: Final = Palette(
    name="dark",
    ground=rgb("#0b0e14"),
    raised=rgb("#121722"),
    grid=rgb("#1a2030"),
    text=rgb("#e8ecf4"),
    quiet=rgb("#8b96a8"),
    buy=rgb("#2ec27e"),
    sell=rgb("#e5484d"),
    balanced=rgb("#5c6675"),
    attention=rgb("#f5c542"),
    information=rgb("#7aa2f7"),
    plate=rgb("#c9d1dc"),
    plate_text=rgb("#0b0e14"),
)
LIGHT: Final = Palette(
    name="light",
    ground=rgb("#f7f8fa"),
    raised=rgb("#eceff4"),
    grid=rgb("#dde2ea"),
    text=rgb("#141922"),
    quiet=rgb("#566072"),
    buy=rgb("#0c7546"),
    sell=rgb("#c4262c"),
    balanced=rgb("#8d97a6"),
    attention=rgb("#875d00"),
    information=rgb("#3563c9"),
    plate=rgb("#232a36"),
    plate_text=rgb("#f7f8fa"),
)
COLOUR_BLIND: Final = Palette(
    name="colour-blind",
    ground=rgb("#0b0e14"),
    raised=rgb("#121722"),
    grid=rgb("#1a2030"),
    text=rgb("#e8ecf4"),
    quiet=rgb("#8b96a8"),
    buy=rgb("#4c9be8"),
    sell=rgb("#ef8a2c"),
    balanced=rgb("#5c6675"),
    attention=rgb("#f5e663"),
    information=rgb("#b7a4f5"),
    plate=rgb("#c9d1dc"),
    plate_text=rgb("#0b0e14"),
)
PALETTES: Final = {palette.name: palette for palette in (DARK, LIGHT, COLOUR_BLIND)}
CUSTOM_SLOTS: Final = {"buy": "buy", "sell": "sell", "grey": "balanced", "background": "ground"}
"""The colours that a user may choose, by their names for the user, and the slots of a palette that they replace."""
_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_ON_GROUND: Final = ("text", "quiet", "buy", "sell", "attention", "information")
"""Slots in which text is written on the backgrounds."""
_RAISED: Final = 0.045
_GRID: Final = 0.09
"""How far the backgrounds of panels and the grid are from a custom background towards the text."""


@dataclass(frozen=True, slots=True)
class CustomColors:
    """Colours in place of a palette's, as `#rrggbb`; "" keeps the palette's."""

    buy: str = ""
    sell: str = ""
    grey: str = ""
    background: str = ""


NO_COLORS: Final = CustomColors()


def hex_of(color: Rgb) -> str:
    """Return a colour as `#rrggbb`."""
    return "#" + "".join(f"{round(255 * min(max(part, 0.0), 1.0)):02x}" for part in color)


def is_hex(text: str) -> bool:
    """Whether a text is a colour like `#2ec27e`."""
    return _HEX.fullmatch(text) is not None


def grounds(palette: Palette) -> tuple[Rgb, ...]:
    """Return what text is written on: the chart, panels, and the bands of a chart."""
    return palette.ground, palette.raised, mix(palette.ground, palette.grid, 0.4)


def with_custom(palette: Palette, custom: CustomColors) -> Palette:
    """Return a palette with custom colours. Text and the other colours follow a custom background."""
    given: dict[str, Any] = {
        slot: rgb(value) for name, slot in CUSTOM_SLOTS.items() if is_hex(value := getattr(custom, name))
    }
    if "ground" not in given:
        return replace(palette, **given) if given else palette
    ground = given["ground"]
    text, plate = max(
        ((one.text, one.plate) for one in (palette, DARK, LIGHT)), key=lambda pair: contrast(pair[0], ground)
    )
    raised, grid = mix(ground, text, _RAISED), mix(ground, text, _GRID)
    found = replace(palette, raised=raised, grid=grid, text=text, plate=plate, plate_text=ground, **given)
    follow: dict[str, Any] = {
        name: _readable_on(getattr(palette, name), grounds(found), text) for name in _ON_GROUND if name not in given
    }
    return replace(found, **follow, **given)


def _readable_on(color: Rgb, behind: Iterable[Rgb], text: Rgb) -> Rgb:
    for ground in behind:
        color = readable(color, ground, text)
    return color


def contrast_problem(palette: Palette) -> str:
    """Return what of a palette is not legible, in one line; "" if everything is."""
    shown = {slot: name for name, slot in CUSTOM_SLOTS.items()}
    for name in _ON_GROUND:
        least = min(contrast(getattr(palette, name), ground) for ground in grounds(palette))
        if least < MIN_CONTRAST:
            return (
                f"{shown.get(name, name)} {hex_of(getattr(palette, name))} on {hex_of(palette.ground)} has a contrast "
                f"of {math.floor(10 * least) / 10}:1; at least {MIN_CONTRAST}:1 is needed"
            )
    if contrast(palette.plate_text, palette.plate) < MIN_CONTRAST:
        return f"values on {hex_of(palette.ground)} are not legible"
    return "buy and sell need different colours" if palette.buy == palette.sell else ""

"""The colours of shaders and overlays. Every palette defines the same slots."""

from dataclasses import dataclass
from typing import Final

Rgb = tuple[float, float, float]


def rgb(hex_code: str) -> Rgb:
    """Parse `#rrggbb` to components 0..1 (as displayed, not linear)."""
    value = int(hex_code.removeprefix("#"), 16)
    return ((value >> 16) / 255, (value >> 8 & 255) / 255, (value & 255) / 255)


@dataclass(frozen=True, slots=True)
class Palette:
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
    buy=rgb("#14915a"),
    sell=rgb("#cf2f35"),
    balanced=rgb("#8d97a6"),
    attention=rgb("#a87500"),
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

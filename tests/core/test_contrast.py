"""Text is legible in every palette: a contrast of at least 4.5 to 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.palette import LEAST_CONTRAST, PALETTES, Palette, contrast, mix, readable, rgb

components = st.floats(0.0, 1.0)
colors = st.tuples(components, components, components)


def test_the_contrast_ratio_is_that_of_the_guidelines():
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21.0)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.005)
    assert contrast(rgb("#ffffff"), rgb("#777777")) == contrast(rgb("#777777"), rgb("#ffffff"))


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_every_text_colour_is_legible_on_chart_and_panel_backgrounds(palette: Palette):
    for ground in (palette.ground, palette.raised, mix(palette.ground, palette.grid, 0.4)):
        for name in ("text", "quiet", "buy", "sell", "attention", "information"):
            assert contrast(getattr(palette, name), ground) >= LEAST_CONTRAST, (name, ground)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_values_on_plates_are_legible(palette: Palette):
    assert contrast(palette.plate_text, palette.plate) >= LEAST_CONTRAST
    assert contrast(palette.ground, palette.buy) >= LEAST_CONTRAST
    assert contrast(palette.ground, palette.sell) >= LEAST_CONTRAST


@given(colors, colors, st.sampled_from(list(PALETTES.values())))
def test_a_readable_colour_has_the_contrast_or_is_the_palettes_own_text(color, behind, palette):
    found = readable(color, behind, palette.text)
    assert contrast(found, behind) >= LEAST_CONTRAST or found == palette.text


@given(st.sampled_from(list(PALETTES.values())))
def test_a_legible_colour_stays_unchanged(palette):
    assert readable(palette.quiet, palette.ground, palette.text) == palette.quiet

"""Text is legible in every palette: a contrast of at least 4.5 to 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_gl.core.palette import (
    MIN_CONTRAST,
    NO_COLORS,
    PALETTES,
    CustomColors,
    Palette,
    contrast,
    contrast_problem,
    grounds,
    hex_of,
    mix,
    readable,
    rgb,
    with_custom,
)

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
            assert contrast(getattr(palette, name), ground) >= MIN_CONTRAST, (name, ground)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_values_on_plates_are_legible(palette: Palette):
    assert contrast(palette.plate_text, palette.plate) >= MIN_CONTRAST
    assert contrast(palette.ground, palette.buy) >= MIN_CONTRAST
    assert contrast(palette.ground, palette.sell) >= MIN_CONTRAST


@given(colors, colors, st.sampled_from(list(PALETTES.values())))
def test_a_readable_colour_has_the_contrast_or_is_the_palettes_own_text(color, behind, palette):
    found = readable(color, behind, palette.text)
    assert contrast(found, behind) >= MIN_CONTRAST or found == palette.text


@given(st.sampled_from(list(PALETTES.values())))
def test_a_legible_colour_stays_unchanged(palette):
    assert readable(palette.quiet, palette.ground, palette.text) == palette.quiet


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_no_palette_has_anything_to_complain_of(palette: Palette):
    assert contrast_problem(palette) == ""
    assert with_custom(palette, NO_COLORS) is palette


@given(colors, colors, colors, st.sampled_from(list(PALETTES.values())))
def test_custom_colours_are_legible_or_refused_in_one_line_that_names_the_colour(buy, sell, background, palette):
    found = with_custom(palette, CustomColors(hex_of(buy), hex_of(sell), "", hex_of(background)))
    said = contrast_problem(found)
    assert "\n" not in said
    worst = min(contrast(getattr(found, name), ground) for name in ("buy", "sell") for ground in grounds(found))
    if worst < MIN_CONTRAST:
        assert "has a contrast of" in said
        assert "4.5:1 is needed" in said
    elif found.buy != found.sell:
        assert said == ""


@pytest.mark.parametrize("background", ["#ffffff", "#000000", "#001a33", "#fdf6e3", "#101510"])
@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_the_other_colours_follow_an_own_background(palette: Palette, background: str):
    found = with_custom(palette, CustomColors(background=background))
    assert found.ground == rgb(background)
    assert contrast_problem(found) == ""

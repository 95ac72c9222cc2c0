"""Custom colours: from the settings, kept with the workspace, and refused where text would not be legible."""

from flow_gl.core.config import load
from flow_gl.core.palette import NO_COLORS, PALETTES, CustomColors, rgb
from flow_gl.ui.state.view_state import ViewState
from flow_gl.ui.workspaces.apply import apply, gather, override


def settings(**flags):
    return load(flags=flags, environment={})


def test_colours_of_the_settings_are_shown_and_kept_with_the_workspace():
    state = ViewState()
    assert override(state, settings(buy_color="#44CCFF", background_color="#001018")) == ""
    assert (state.palette.buy, state.palette.ground) == (rgb("#44ccff"), rgb("#001018"))
    assert state.palette.name == "dark"
    again = ViewState()
    apply(again, gather(state, plot_width_px=0.0))
    assert (again.palette, again.custom_colors) == (state.palette, CustomColors(buy="#44ccff", background="#001018"))


def test_a_colour_that_cannot_be_read_is_refused_and_the_others_stay():
    state = ViewState()
    said = override(state, settings(sell_color="#200000"))
    assert "sell #200000 on #0b0e14 has a contrast of" in said
    assert (state.custom_colors, state.palette) == (NO_COLORS, PALETTES["dark"])
    assert state.choose_colors(sell="#ff8080") == ""
    assert state.choose_colors(buy="#ff8080") == "buy and sell need different colours"
    assert state.palette.sell == rgb("#ff8080")


def test_custom_colours_wait_while_a_palette_is_shown_on_which_they_are_not_legible():
    state = ViewState()
    state.choose_colors(buy="#44ccff")
    state.choose_palette("light")
    assert state.palette == PALETTES["light"]
    state.choose_palette("dark")
    assert state.palette.buy == rgb("#44ccff")

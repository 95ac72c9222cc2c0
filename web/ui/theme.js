// The palette's colours as CSS variables, and the colours that the desktop mixes from them.

import { mix } from "../layers/labels.js";

const css = (color) => `rgb(${color.map((value) => Math.round(255 * value)).join(" ")})`;

export function applyTheme(palette) {
  const { raised, quiet, grid, attention, information, ground } = palette;
  const colors = {
    ...palette,
    field: mix(raised, quiet, 0.14),
    hovered: mix(raised, information, 0.28),
    border: mix(grid, quiet, 0.22),
    panel: raised,
    poc: mix(quiet, attention, 0.7),
    area: mix(quiet, information, 0.7),
  };
  for (const [name, color] of Object.entries(colors)) {
    if (Array.isArray(color)) document.documentElement.style.setProperty(`--${name}`, css(color));
  }
  document.documentElement.style.colorScheme = ground[0] > 0.5 ? "light" : "dark";
}

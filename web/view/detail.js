// The level of detail for a zoom: the finest whose bubbles are far enough apart.

const MIN_SPACING_PX = 4.5;
const HYSTERESIS = 1.25; // a finer level is chosen only if its bubbles are farther apart than needed by this factor

function finest(widths, least) {
  const at = widths.findIndex((width) => width >= least);
  return at < 0 ? widths.length - 1 : at;
}

export function levelFor(nsPerPx, widths, { current, locked, scale }) {
  if (locked !== null) return Math.min(Math.max(locked, 0), widths.length - 1);
  const least = nsPerPx * MIN_SPACING_PX * scale;
  const found = finest(widths, least);
  return found >= current ? found : Math.min(current, finest(widths, least * HYSTERESIS));
}

// The size of a bubble's disc, one rule for shader, hit test, numbers and legend: area grows with contracts.

export function radiusRange(style, scale) {
  const factor = style.sizeScale * scale;
  return [style.radiusMin * factor, style.radiusMax * factor];
}

export function radiusOf(volume, reference, style, scale) {
  const [least, most] = radiusRange(style, scale);
  return Math.sqrt(least ** 2 + (most ** 2 - least ** 2) * Math.min(1, volume / reference));
}

// Contracts that determine the size of row i: those of the dominant side, or unsided ones if there is none.
export function volumeOf(columns, i) {
  return Math.max(columns.buy[i], columns.sell[i]) || columns.unsided[i];
}

// Contracts of the largest disc at a width: the base's times the width's share, rounded up to a step.
export function referenceAt(reference, baseNs, widthNs, steps) {
  if (widthNs === baseNs) return reference;
  const wanted = Math.ceil((reference * widthNs) / baseNs);
  return steps.find((step) => step >= wanted) ?? wanted;
}

// Imbalance above which a bubble is coloured by side; smaller for wider buckets.
export function thresholdAt(threshold, widthNs) {
  return threshold * Math.min(1, (1e9 / widthNs) ** 0.25);
}

// Imbalance at which the colour is strongest, for a given threshold; FULL in bubble.glsl.
export function fullAt(least) {
  return Math.min(1, 4 * least);
}

// Opacity of fill, rim and glow. The more discs overlap, the more transparent they are, without glow.
export function opacities(pxPerBucket, radiusMax) {
  const crowd = radiusMax / Math.max(pxPerBucket, 0.01);
  const share = Math.min(1, Math.max(0, (crowd - 3) / 12));
  return [0.55 - 0.22 * share, 0.95 - 0.2 * share, 0.3 * (1 - share)];
}

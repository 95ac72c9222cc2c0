// Lines, bands, rings and plates in canvas pixels, drawn in one call in the order added (shape.vert, shape.frag).

import { RowTexture } from "./rows.js";

const [SOLID, DASH, HATCH, RING, FADE, ROUNDED, TRIANGLE, SLANT] = [0, 1, 2, 3, 4, 5, 6, 7];
const TEXELS = 3;

export class ShapeBatch {
  constructor(gl, programs, drawing) {
    this.gl = gl;
    this.program = programs.get("shape");
    this.drawing = drawing;
    this.rows = new RowTexture(gl, TEXELS);
    this.values = [];
  }

  clear() {
    this.values.length = 0;
  }

  #put(x, y, width, height, color, alpha, kind, a = 0, b = 0, c = 0) {
    this.values.push(x, y, width, height, color[0], color[1], color[2], alpha, kind, a, b, c);
  }

  rect(x, y, width, height, color, alpha = 1) {
    this.#put(x, y, width, height, color, alpha, SOLID);
  }

  dashed(x, y, width, height, color, alpha, period, dash) {
    this.#put(x, y, width, height, color, alpha, DASH, period, dash);
  }

  hatched(x, y, width, height, color, alpha, period, stripe, phase = 0) {
    this.#put(x, y, width, height, color, alpha, HATCH, period, 0.5 * stripe, phase);
  }

  ring(x, y, radius, thickness, color, alpha = 1, dashes = 0) {
    const reach = radius + 0.5;
    this.#put(x - reach, y - reach, 2 * reach, 2 * reach, color, alpha, RING, 0.5 * thickness, dashes, 0.62);
  }

  line(a, b, thickness, color, alpha = 1) {
    const padding = 0.5 * thickness + 1;
    const falls = (b[0] - a[0]) * (b[1] - a[1]) >= 0 ? 1 : -1;
    this.#put(
      Math.min(a[0], b[0]) - padding,
      Math.min(a[1], b[1]) - padding,
      Math.abs(b[0] - a[0]) + 2 * padding,
      Math.abs(b[1] - a[1]) + 2 * padding,
      color,
      alpha,
      SLANT,
      0.5 * thickness,
      padding,
      falls,
    );
  }

  // A gradient that is strongest at one side: [1, 0] right, [-1, 0] left, [0, 1] bottom, [0, -1] top.
  fade(x, y, width, height, color, alpha, towards) {
    this.#put(x, y, width, height, color, alpha, FADE, towards[0], towards[1]);
  }

  plate(x, y, width, height, color, alpha, radius) {
    this.#put(x, y, width, height, color, alpha, ROUNDED, radius);
  }

  triangle(x, y, width, height, color, pointsUp) {
    this.#put(x, y, width, height, color, 1, TRIANGLE, pointsUp ? 1 : -1);
  }

  draw(size) {
    const count = this.values.length / (4 * TEXELS);
    if (!count) return;
    this.rows.fill(this.values, count);
    this.program.use();
    this.gl.uniform2f(this.program.at("u_ndc_per_px"), 2 / size.width, 2 / size.height);
    this.drawing.quads(this.rows, 0, count);
  }
}

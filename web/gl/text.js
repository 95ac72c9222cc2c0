// The labels of a frame, drawn in one call, each with an optional plate behind it (text.vert, text.frag).

import { ATLAS_PX } from "./atlas.js";
import { RowTexture } from "./rows.js";
import { roundEven } from "../view/view.js";

export const PAD_X = 0.42; // between a plate's edge and its text, in units of the text's size
const PAD_Y = 0.36;
const RADIUS = 0.25;
const TEXELS = 4;
const [LABEL, PLATE, UPWARD] = [0, 1, 2];

export function useTextProgram(gl, program) {
  program.use();
  gl.uniform2f(program.at("u_texel"), 1 / ATLAS_PX, 1 / ATLAS_PX);
}

export class TextBatch {
  constructor(gl, programs, drawing, atlas) {
    this.gl = gl;
    this.program = programs.get("text");
    this.drawing = drawing;
    this.atlas = atlas;
    this.rows = new RowTexture(gl, TEXELS);
    this.values = [];
  }

  clear() {
    this.values.length = 0;
  }

  width(text, size, bold = false) {
    return this.atlas.width(text, size, bold);
  }

  #put(x, y, width, height, cell, color, alpha, kind) {
    this.values.push(x, y, width, height, ...cell, color[0], color[1], color[2], alpha, kind, 0, 0, 0);
  }

  // x is the left end, middle or right end by `align`, y the middle of capital letters and digits.
  // `plate`: its colour, opacity (`plateAlpha`) and, for plates of equal width, `plateWidth`.
  add(text, x, y, { size, color, align = "left", alpha = 1, bold = false, plate, plateAlpha = 1, plateWidth }) {
    const { atlas } = this;
    const advance = atlas.width(text, size, bold);
    const cap = atlas.capHeight(size, bold);
    if (align === "center") x -= Math.floor(advance / 2);
    else if (align === "right") x -= Math.floor(advance + 0.5);
    if (plate) {
      const pad = roundEven(size * PAD_X);
      const half = Math.floor(cap / 2) + roundEven(size * PAD_Y);
      const width = plateWidth ?? Math.floor(advance) + 1 + 2 * pad;
      const height = 2 * half + (cap % 2);
      this.plate(x - pad, y - half, width, height, plate, plateAlpha, size * RADIUS);
    }
    const baseline = y + Math.floor((cap + 1) / 2);
    atlas.place(text, size, bold, (left, top, glyph) => {
      const cell = [glyph.u, glyph.v, glyph.width, glyph.height];
      this.#put(x + left, baseline - top, glyph.width, glyph.height, cell, color, alpha, LABEL);
    });
  }

  // A label that reads upwards, its middle at (x, y).
  addUpward(text, x, y, { size, color, plate, plateAlpha = 1 }) {
    const { atlas } = this;
    const advance = atlas.width(text, size, false);
    const cap = atlas.capHeight(size, false);
    if (plate) {
      const half = Math.floor(cap / 2) + roundEven(size * PAD_Y);
      const length = Math.floor(advance) + 1 + 2 * roundEven(size * PAD_X);
      this.plate(x - half, y - Math.floor(length / 2), 2 * half + (cap % 2), length, plate, plateAlpha, size * RADIUS);
    }
    const baseline = x + Math.floor((cap + 1) / 2);
    const begin = y + Math.floor(advance / 2);
    atlas.place(text, size, false, (left, top, glyph) => {
      const cell = [glyph.u, glyph.v, glyph.width, glyph.height];
      this.#put(baseline - top, begin - left - glyph.width, glyph.height, glyph.width, cell, color, 1, UPWARD);
    });
  }

  plate(x, y, width, height, color, alpha, radius) {
    this.#put(x, y, width, height, [width, height, radius, 0], color, alpha, PLATE);
  }

  draw(size) {
    const count = this.values.length / (4 * TEXELS);
    if (!count) return;
    this.rows.fill(this.values, count);
    useTextProgram(this.gl, this.program);
    this.gl.uniform2f(this.program.at("u_ndc_per_px"), 2 / size.width, 2 / size.height);
    this.drawing.quads(this.rows, 0, count);
  }
}

// The font as a texture of glyphs. Glyphs are drawn by a 2D canvas at quarters of a pixel and cached by size, weight
// and phase; texts are composed of them, so a number that changes in every frame needs no new drawing.

import { ATLAS_UNIT } from "./programs.js";

export const ATLAS_PX = 1024;
const PHASES = 4;
const PROBE_PX = 1000; // advances are measured at this size, where hinting does not round them
const FAMILY = "flow_gl";

export async function loadFonts() {
  const faces = [
    ["400", "fonts/Roboto-Regular.ttf"],
    ["700", "fonts/Roboto-Bold.ttf"],
  ].map(([weight, path]) => new FontFace(FAMILY, `url(${path})`, { weight }));
  for (const face of faces) document.fonts.add(await face.load());
}

export class Atlas {
  constructor(gl) {
    this.gl = gl;
    this.texture = gl.createTexture();
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = 128;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.advances = new Map();
    this.#clear();
  }

  #clear() {
    const gl = this.gl;
    this.glyphs = new Map();
    this.heights = new Map();
    this.x = this.y = this.shelf = 1;
    this.isFull = false;
    this.generation = (this.generation ?? 0) + 1; // glyphs have moved
    this.bind();
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, ATLAS_PX, ATLAS_PX, 0, gl.RED, gl.UNSIGNED_BYTE, null);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
    }
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
    }
    gl.activeTexture(gl.TEXTURE0);
  }

  bind() {
    this.gl.activeTexture(this.gl.TEXTURE0 + ATLAS_UNIT);
    this.gl.bindTexture(this.gl.TEXTURE_2D, this.texture);
  }

  // Call between frames: evicts sizes that are no longer used.
  beginFrame() {
    if (this.isFull) this.#clear();
  }

  // Width of a text, px. Digits are equally wide.
  width(text, size, bold = false) {
    let sum = 0;
    for (const character of text) sum += this.#advance(character, bold);
    return sum * size;
  }

  // Height of a digit, px.
  capHeight(size, bold) {
    const key = `${size} ${bold}`;
    if (!this.heights.has(key)) this.heights.set(key, this.#glyph("0", size, bold, 0).top - 1);
    return this.heights.get(key);
  }

  // Call `put(left, top, glyph)` for each glyph of a text: its box relative to the text's origin (pen start, baseline).
  place(text, size, bold, put) {
    let pen = 0;
    for (const character of text) {
      const at = Math.floor(pen);
      const glyph = this.#glyph(character, size, bold, Math.floor((pen - at) * PHASES));
      if (glyph.width) put(at + glyph.left, glyph.top, glyph);
      pen += this.#advance(character, bold) * size;
    }
  }

  #advance(character, bold) {
    const key = bold + character;
    let found = this.advances.get(key);
    if (found === undefined) {
      this.#setFont(PROBE_PX, bold);
      found = this.context.measureText(character >= "1" && character <= "9" ? "0" : character).width / PROBE_PX;
      this.advances.set(key, found);
    }
    return found;
  }

  #setFont(size, bold) {
    this.context.font = `${bold ? 700 : 400} ${size}px ${FAMILY}`;
    this.context.textRendering = "geometricPrecision";
    this.context.fontKerning = "none";
    this.context.fillStyle = "#fff";
  }

  #glyph(character, size, bold, phase) {
    const key = `${character} ${size} ${bold} ${phase}`;
    let found = this.glyphs.get(key);
    if (!found) this.glyphs.set(key, (found = this.#draw(character, size, bold, phase)));
    return found;
  }

  #draw(character, size, bold, phase) {
    const { context, canvas } = this;
    this.#setFont(size, bold);
    const side = Math.ceil(2 * size) + 4;
    if (side > canvas.width) {
      canvas.width = canvas.height = side;
      this.#setFont(size, bold);
    }
    const [x, y] = [Math.ceil(0.5 * size), Math.ceil(1.4 * size)];
    context.clearRect(0, 0, side, side);
    context.fillText(character, x + phase / PHASES, y);
    const { data } = context.getImageData(0, 0, side, side);
    let [left, top, right, bottom] = [side, side, 0, 0];
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        if (!data[4 * (row * side + column) + 3]) continue;
        left = Math.min(left, column);
        right = Math.max(right, column + 1);
        top = Math.min(top, row);
        bottom = Math.max(bottom, row + 1);
      }
    }
    if (right <= left) return { width: 0, height: 0, left: 0, top: 0, u: 0, v: 0 };
    // A blank border of one texel, so that quads between whole pixels have soft edges.
    const [width, height] = [right - left + 2, bottom - top + 2];
    const picture = new Uint8Array(width * height);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        picture[(row - top + 1) * width + column - left + 1] = data[4 * (row * side + column) + 3];
      }
    }
    const [u, v] = this.#keep(picture, width, height);
    return { width, height, left: left - x - 1, top: y - top + 1, u, v };
  }

  #keep(picture, width, height) {
    if (this.x + width > ATLAS_PX) [this.x, this.y, this.shelf] = [1, this.y + this.shelf, 1];
    if (this.y + height > ATLAS_PX) {
      this.isFull = true; // blank in this frame
      return [0, 0];
    }
    const [u, v] = [this.x, this.y];
    this.x += width + 1;
    this.shelf = Math.max(this.shelf, height + 1);
    const gl = this.gl;
    this.bind();
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, u, v, width, height, gl.RED, gl.UNSIGNED_BYTE, picture);
    gl.activeTexture(gl.TEXTURE0);
    return [u, v];
  }
}

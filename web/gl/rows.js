// Rows on the GPU as texels of four 32-bit integers, and the draw calls that fetch them by vertex number.

const WIDTH = 1024; // texels per line of a texture, as row_texel.glsl has it
const LINE = 4 * WIDTH; // numbers per line
const CORNERS = [0, 1, 2, 2, 1, 3];

// Rows of `texels` texels each. `ints` and `floats` are two views of the same memory, row i from 4 * texels * i on;
// `upload` sends what was written there.
export class RowTexture {
  constructor(gl, texels) {
    this.gl = gl;
    this.stride = 4 * texels;
    this.lines = 0;
    this.handle = gl.createTexture();
    this.#make(0);
  }

  get capacity() {
    return Math.floor(this.ints.length / this.stride);
  }

  // Reserve space for `rows` rows. Existing rows are lost.
  reserve(rows) {
    if (rows > this.capacity) this.#make(2 ** Math.ceil(Math.log2(rows)));
  }

  #make(rows) {
    const lines = Math.max(1, Math.ceil((rows * this.stride) / LINE));
    const memory = new ArrayBuffer(4 * LINE * lines);
    this.ints = new Int32Array(memory);
    this.floats = new Float32Array(memory);
    this.first = 0; // lines to send: [first, stop)
    this.stop = 0;
  }

  // Mark rows [start, stop) as written.
  touch(start, stop) {
    if (stop <= start) return;
    const first = Math.floor((start * this.stride) / LINE);
    const last = Math.ceil((stop * this.stride) / LINE);
    if (this.first === this.stop) [this.first, this.stop] = [first, last];
    else [this.first, this.stop] = [Math.min(this.first, first), Math.max(this.stop, last)];
  }

  // Replace all rows by `count` rows of floats, and send them.
  fill(values, count) {
    this.reserve(count);
    this.floats.set(values);
    this.touch(0, count);
    this.upload();
  }

  upload() {
    if (this.first === this.stop) return;
    const gl = this.gl;
    const lines = this.ints.length / LINE;
    gl.bindTexture(gl.TEXTURE_2D, this.handle);
    if (lines !== this.lines) {
      this.lines = lines;
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32I, WIDTH, lines, 0, gl.RGBA_INTEGER, gl.INT, null);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    }
    const count = this.stop - this.first;
    gl.texSubImage2D(
      gl.TEXTURE_2D,
      0,
      0,
      this.first,
      WIDTH,
      count,
      gl.RGBA_INTEGER,
      gl.INT,
      this.ints,
      this.first * LINE,
    );
    this.first = this.stop = 0;
  }

  release() {
    this.gl.deleteTexture(this.handle);
  }
}

// One list of indices serves all quads: quad i has the vertices 4 i to 4 i + 3. WebGL has no base vertex, so a range
// that starts later uses a later part of the list.
export class RowDrawing {
  constructor(gl) {
    this.gl = gl;
    this.array = gl.createVertexArray();
    this.indices = gl.createBuffer();
    this.quadCount = 0;
    this.counts = { calls: 0, quads: 0 };
  }

  begin() {
    this.gl.bindVertexArray(this.array);
    this.gl.activeTexture(this.gl.TEXTURE0);
  }

  quads(rows, first, count, quadsPerRow = 1) {
    if (count <= 0) return;
    const gl = this.gl;
    this.#reserve((first + count) * quadsPerRow);
    gl.bindTexture(gl.TEXTURE_2D, rows.handle);
    gl.drawElements(gl.TRIANGLES, 6 * count * quadsPerRow, gl.UNSIGNED_INT, 24 * first * quadsPerRow);
    this.#count(count);
  }

  // Points, or unindexed triangles with `perRow` vertices for each row.
  vertices(rows, first, count, mode, perRow) {
    if (count <= 0) return;
    this.gl.bindTexture(this.gl.TEXTURE_2D, rows.handle);
    this.gl.drawArrays(mode, first * perRow, count * perRow);
    this.#count(count);
  }

  #count(count) {
    this.counts.calls += 1;
    this.counts.quads += count;
  }

  #reserve(quads) {
    if (quads <= this.quadCount) return;
    this.quadCount = Math.max(4096, 2 ** Math.ceil(Math.log2(quads)));
    const indices = new Uint32Array(6 * this.quadCount);
    for (let quad = 0, at = 0; quad < this.quadCount; quad++) {
      for (const corner of CORNERS) indices[at++] = 4 * quad + corner;
    }
    this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.indices);
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, indices, this.gl.STATIC_DRAW);
  }
}

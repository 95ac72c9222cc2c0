// GLSL programs from the desktop program's shader bodies. Only the first line and `row_texel` differ from the desktop.
// `sources` has the shader files by name, with the page's own `row_texel.glsl`.

export const FRAME_BINDING = 0;
export const ROWS_UNIT = 0;
export const ATLAS_UNIT = 1;

const HEADER = `#version 300 es
precision highp float;
precision highp int;
`;

// The source of a shader with each include inserted once.
export function expand(sources, name, seen = new Set()) {
  seen.add(name);
  if (!(name in sources)) throw new Error(`the shader ${name} is missing on the server`);
  return sources[name]
    .split("\n")
    .map((line) => {
      const included = line.match(/^\s*#include\s+"([^"]+)"/);
      if (included) return seen.has(included[1]) ? "" : expand(sources, included[1], seen);
      return line.startsWith("#version") ? HEADER : line;
    })
    .join("\n");
}

export class Programs {
  constructor(gl, sources) {
    this.gl = gl;
    this.sources = sources;
    this.known = new Map();
  }

  // `bubble` is bubble.vert with bubble.frag. Compiled on first use.
  get(vertex, fragment = vertex) {
    const name = `${vertex}+${fragment}`;
    if (!this.known.has(name)) this.known.set(name, this.#link(vertex, fragment));
    return this.known.get(name);
  }

  #link(vertex, fragment) {
    const gl = this.gl;
    const handle = gl.createProgram();
    for (const [kind, name] of [
      [gl.VERTEX_SHADER, `${vertex}.vert`],
      [gl.FRAGMENT_SHADER, `${fragment}.frag`],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, expand(this.sources, name));
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
        throw new Error(`${name}: ${gl.getShaderInfoLog(shader).trim().split("\n")[0]}`);
      }
      gl.attachShader(handle, shader);
    }
    gl.linkProgram(handle);
    if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`${vertex} with ${fragment}: ${gl.getProgramInfoLog(handle).trim().split("\n")[0]}`);
    }
    const block = gl.getUniformBlockIndex(handle, "Frame");
    if (block !== gl.INVALID_INDEX) gl.uniformBlockBinding(handle, block, FRAME_BINDING);
    const program = new Program(gl, handle);
    program.use();
    for (const [name, unit] of [
      ["u_rows", ROWS_UNIT],
      ["u_atlas", ATLAS_UNIT],
    ]) {
      if (program.at(name)) gl.uniform1i(program.at(name), unit);
    }
    return program;
  }
}

class Program {
  constructor(gl, handle) {
    this.gl = gl;
    this.handle = handle;
    this.locations = new Map();
  }

  use() {
    this.gl.useProgram(this.handle);
  }

  // Location of a uniform; null if the program does not use it.
  at(name) {
    if (!this.locations.has(name)) this.locations.set(name, this.gl.getUniformLocation(this.handle, name));
    return this.locations.get(name);
  }
}

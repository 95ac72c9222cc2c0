// Rows of a chart as texels of 16 bytes, indexed by gl_VertexID: a quad has four vertices (gl/drawing.py).
#include "row_texel.glsl"

vec4 floats_at(int texel) { return intBitsToFloat(row_texel(texel)); }

int row_of(int vertex) { return vertex >> 2; }
vec2 corner_of(int vertex) { return vec2(vertex & 1, (vertex >> 1) & 1); }      // x: 1 is right, y: 1 is below

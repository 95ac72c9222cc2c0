#version 330 core
// Rectangles in framebuffer pixels: lines, bands, rings, plates.
#include "rows.glsl"

uniform vec2 u_ndc_per_px;

out vec2 v_at;                              // relative to the centre of the rectangle
flat out vec2 v_half;
flat out vec4 v_color;
flat out vec4 v_form;

void main() {
    int at = 3 * row_of(gl_VertexID);
    vec2 corner = corner_of(gl_VertexID);
    vec4 box_px = floats_at(at);           // left, top, width, height
    vec2 px = box_px.xy + corner * box_px.zw;
    v_half = box_px.zw * 0.5;
    v_at = (corner - 0.5) * box_px.zw;
    v_color = floats_at(at + 1);
    v_form = floats_at(at + 2);      // kind and three parameters, see shape.frag
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
}

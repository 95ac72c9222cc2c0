#version 330 core
// One rectangle per instance, in framebuffer pixels: lines, bands, rings, plates.
uniform vec2 u_ndc_per_px;

layout(location = 0) in vec4 box_px;        // left, top, width, height
layout(location = 1) in vec4 color;
layout(location = 2) in vec4 form;          // kind and three measures, see shape.frag

out vec2 v_at;                              // from the rectangle's middle
flat out vec2 v_half;
flat out vec4 v_color;
flat out vec4 v_form;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 px = box_px.xy + corner * box_px.zw;
    v_half = box_px.zw * 0.5;
    v_at = (corner - 0.5) * box_px.zw;
    v_color = color;
    v_form = form;
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
}

#version 330 core
// Rectangles in framebuffer pixels: lines, bands, rings, plates.
uniform vec2 u_ndc_per_px;

uniform samplerBuffer u_rows;               // three texels a rectangle

out vec2 v_at;                              // from the rectangle's middle
flat out vec2 v_half;
flat out vec4 v_color;
flat out vec4 v_form;

void main() {
    int at = 3 * (gl_VertexID >> 2);
    vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1);
    vec4 box_px = texelFetch(u_rows, at);           // left, top, width, height
    vec2 px = box_px.xy + corner * box_px.zw;
    v_half = box_px.zw * 0.5;
    v_at = (corner - 0.5) * box_px.zw;
    v_color = texelFetch(u_rows, at + 1);
    v_form = texelFetch(u_rows, at + 2);      // kind and three measures, see shape.frag
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
}

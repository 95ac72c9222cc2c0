#version 330 core
// Draws the same pixels as bubble.frag for discs without glow and ring. It reads no uniforms, which makes fragments
// cheaper: filling discs is most of the cost of a crowded frame.
#include "bubble.glsl"

flat in vec2 v_size;
flat in float v_rim_px;
flat in vec4 v_fill;
flat in vec4 v_rim;
flat in vec4 v_edge;

out vec4 fragment;

void main() {
    float past_edge = length((2.0 * gl_PointCoord - 1.0) * v_size.y) - v_size.x;
    fragment = disc_color(past_edge, v_rim_px, v_edge, v_fill, v_rim);
}

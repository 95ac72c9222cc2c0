#version 330 core
// The same pixels as `bubble.frag`'s. Everything comes from the point: a fragment that reads no uniform costs less, and
// filling discs is most of what a crowded frame costs.
#include "bubble.glsl"

flat in vec2 v_size;
flat in float v_rim_px;
flat in vec4 v_fill;
flat in vec4 v_rim;

out vec4 fragment;

void main() {
    float past_edge = length((2.0 * gl_PointCoord - 1.0) * v_size.y) - v_size.x;
    fragment = disc_color(past_edge, v_rim_px, v_fill, v_rim);
}

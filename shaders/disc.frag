#version 330 core
// A disc with its rim, nothing around it and nothing pointed at: most bubbles of a crowded chart. The same pixels as
// `bubble.frag`'s, from fewer inputs.
#include "view.glsl"
#include "sdf.glsl"

in vec2 v_from_centre;
flat in float v_radius;
flat in vec4 v_fill;

out vec4 fragment;

void main() {
    float past_edge = length(v_from_centre) - v_radius;
    vec4 rim = vec4(mix(v_fill.rgb, u_text.rgb, 0.12), v_fill.a * u_look.z / u_look.y);
    fragment = mix(v_fill, rim, band(past_edge + 0.6 * u_screen.z, 0.6 * u_screen.z));
    fragment.a *= inside(past_edge);
}

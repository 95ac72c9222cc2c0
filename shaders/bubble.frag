#version 330 core
#include "bubble.glsl"

in vec2 v_from_centre;
flat in float v_radius;
flat in vec4 v_fill;
flat in vec4 v_rim;
flat in vec2 v_extra;

out vec4 fragment;

void main() {
    float past_edge = length(v_from_centre) - v_radius;
    vec4 color = disc_color(past_edge, rim_width(), vec4(u_ground.rgb, edge_width()), v_fill, v_rim);
    if (v_extra.x + v_extra.y == 0.0) {
        fragment = color;
        return;
    }
    float fall = clamp(1.0 - past_edge / (0.35 * v_radius), 0.0, 1.0);
    float glow = v_extra.y * fall * fall * (1.0 - inside(past_edge));
    float ring = v_extra.x * band(past_edge - 2.25 * u_screen.z, 0.6 * u_screen.z);
    float around = max(glow, ring);
    // Disc and surroundings rarely share a pixel: blend them as weights of one colour.
    float alpha = color.a + around * (1.0 - color.a);
    vec3 outer = ring > glow ? u_text.rgb : v_fill.rgb;
    fragment = vec4(mix(color.rgb, outer, around * (1.0 - color.a) / max(alpha, 1e-4)), alpha);
}

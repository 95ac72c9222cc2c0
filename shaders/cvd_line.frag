#version 330 core
#include "view.glsl"
#include "capsule.glsl"

in vec2 v_local;
flat in float v_length;
flat in vec2 v_values;

out vec4 fragment;

void main() {
    float value = mix(v_values.x, v_values.y, clamp(v_local.x / max(v_length, 1e-4), 0.0, 1.0));
    vec3 color = value > 0.0 || (value == 0.0 && v_values.x + v_values.y >= 0.0) ? u_buy.rgb : u_sell.rgb;
    fragment = vec4(color, u_screen.w * capsule(v_local, v_length, u_cvd_map.w));
}

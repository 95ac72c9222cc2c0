#version 330 core
#include "view.glsl"

in vec2 v_local;
flat in vec2 v_half;
flat in vec4 v_color;

out vec4 fragment;

void main() {
    vec2 inside = clamp(v_half + 0.5 - abs(v_local), 0.0, 1.0);
    fragment = vec4(v_color.rgb, u_screen.w * inside.x * inside.y);
}

#version 330 core
#include "view.glsl"

flat in vec4 v_color;
in float v_height;

out vec4 fragment;

void main() {
    fragment = vec4(v_color.rgb, u_screen.w * (0.13 + 0.12 * clamp(v_height / (60.0 * u_screen.z), 0.0, 1.0)));
}

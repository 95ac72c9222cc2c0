#version 330 core
#include "view.glsl"
#include "capsule.glsl"

in vec2 v_local;
flat in float v_length;
flat in float v_opacity;

out vec4 fragment;

void main() {
    fragment = vec4(u_quiet.rgb, v_opacity * capsule(v_local, v_length, 0.5 * u_screen.z));
}

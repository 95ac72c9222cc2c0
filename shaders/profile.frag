#version 330 core
#include "view.glsl"

in float v_x;
flat in vec4 v_ends;

out vec4 fragment;

void main() {
    vec3 color = v_x > v_ends.x ? u_buy.rgb : v_x > v_ends.y ? u_sell.rgb : u_balanced.rgb;
    fragment = vec4(color, v_ends.w);
}

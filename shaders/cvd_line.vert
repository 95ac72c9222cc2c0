#version 330 core
// The CVD line from one point to the next; its colour turns exactly where it crosses zero.
#include "view.glsl"
#include "line.glsl"

layout(location = 0) in ivec3 point;
layout(location = 1) in ivec3 next_point;

out vec2 v_local;
flat out float v_length;
flat out vec2 v_values;

void main() {
    if (next_point.z != 0) {
        gl_Position = HIDDEN;
        return;
    }
    vec2 a = vec2(screen_x(point.x), cvd_y(point.y));
    vec2 b = vec2(screen_x(next_point.x), cvd_y(next_point.y));
    v_values = vec2(float(point.y), float(next_point.y));
    gl_Position = ndc_from_px(line_corner(a, b, u_cvd_map.w, gl_VertexID, v_local, v_length));
}

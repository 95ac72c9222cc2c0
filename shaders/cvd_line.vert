#version 330 core
// The CVD line from one point to the next; its colour changes exactly where it crosses zero.
#include "view.glsl"
#include "line.glsl"
#include "rows.glsl"

out vec2 v_local;
flat out float v_length;
flat out vec2 v_values;

void main() {
    int row = row_of(gl_VertexID);
    ivec4 point = row_texel(2 * row), next_point = row_texel(2 * row + 2);
    if (next_point.w != 0) {
        gl_Position = HIDDEN;
        return;
    }
    vec2 a = vec2(screen_x(point.x), cvd_y(point.yz));
    vec2 b = vec2(screen_x(next_point.x), cvd_y(next_point.yz));
    v_values = vec2(contracts(point.yz), contracts(next_point.yz));
    gl_Position = ndc_from_px(line_corner(a, b, u_cvd_map.w, gl_VertexID & 3, v_local, v_length));
}

#version 330 core
// The price path: a line from each bubble's close to the next one's, and a line over its low-high range.
#include "view.glsl"
#include "line.glsl"
#include "bubble_rows.glsl"

out vec2 v_local;
flat out float v_length;
flat out float v_opacity;

void main() {
    // Two quads per row: the line and the range.
    bool is_range = (gl_VertexID & 4) != 0;
    int row = gl_VertexID >> 3;
    Bubble bubble = bubble_at(row), next = bubble_at(row + 1);
    float x = screen_x(bubble.bucket);
    vec2 a, b;
    if (is_range) {
        a = vec2(x, screen_y(bubble.high));
        b = vec2(x, screen_y(bubble.low));
        v_opacity = 0.42;
    } else {
        if (next.is_after_gap || bubble.bucket == u_hover.w) {
            gl_Position = HIDDEN;
            return;
        }
        a = vec2(x, screen_y(bubble.close));
        b = vec2(screen_x(next.bucket), screen_y(next.close));
        v_opacity = 0.34;
    }
    v_opacity *= u_screen.w;
    gl_Position = ndc_from_px(line_corner(a, b, 0.5 * u_screen.z, gl_VertexID & 3, v_local, v_length));
}

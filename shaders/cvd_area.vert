#version 330 core
// The area between CVD and zero from one point to the next, cut exactly where the line crosses zero.
#include "view.glsl"

layout(location = 0) in ivec3 point;        // bucket, cvd, 1 where the line breaks before it
layout(location = 1) in ivec3 next_point;

flat out vec4 v_color;
out float v_height;

void main() {
    if (next_point.z != 0) {
        gl_Position = HIDDEN;
        return;
    }
    float zero = u_cvd_map.z;
    vec2 a = vec2(screen_x(point.x), cvd_y(point.y));
    vec2 b = vec2(screen_x(next_point.x), cvd_y(next_point.y));
    bool crosses = (point.y > 0 && next_point.y < 0) || (point.y < 0 && next_point.y > 0);
    float share = float(point.y) / float(point.y - next_point.y);
    vec2 cut = vec2(mix(a.x, b.x, crosses ? share : 0.0), zero);
    vec2 a_foot = vec2(a.x, zero), b_foot = vec2(b.x, zero);
    // A strip of two triangles, to the cut and from it (the one between them has no area), or of a trapezium's halves:
    // a_foot, a, cut or b_foot, b, b_foot. Choices, not an array: software would go through memory for each vertex.
    vec2 px = gl_VertexID == 0 ? a_foot : gl_VertexID == 1 ? a : gl_VertexID == 3 ? b : b_foot;
    if (gl_VertexID == 2 && crosses) px = cut;
    int value = gl_VertexID < 3 ? point.y : next_point.y;
    if (value == 0) value = gl_VertexID < 3 ? next_point.y : point.y;
    v_color = value >= 0 ? u_buy : u_sell;
    v_height = abs(px.y - zero);
    gl_Position = ndc_from_px(px);
}

#version 330 core
// The area between CVD and zero from one point to the next, cut exactly where the line crosses zero.
#include "view.glsl"
#include "rows.glsl"

flat out vec4 v_color;
out float v_height;

void main() {
    // Bucket, cvd, 1 where the line breaks before it.
    int row = gl_VertexID / 6, vertex = gl_VertexID - 6 * row;
    ivec3 point = texelFetch(u_rows, row).xyz, next_point = texelFetch(u_rows, row + 1).xyz;
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
    // Two triangles: to the cut and from it, or a trapezium's halves. Choices, not an array: software would go through
    // memory for each vertex.
    vec2 px = vertex == 0 ? a_foot : vertex == 1 ? a : vertex == 4 ? b : b_foot;
    if (vertex == 2 || vertex == 3) px = crosses ? cut : vertex == 2 ? b_foot : a;
    int value = vertex < 3 ? point.y : next_point.y;
    if (value == 0) value = vertex < 3 ? next_point.y : point.y;
    v_color = value >= 0 ? u_buy : u_sell;
    v_height = abs(px.y - zero);
    gl_Position = ndc_from_px(px);
}

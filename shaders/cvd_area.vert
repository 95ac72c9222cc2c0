#version 330 core
// The area between CVD and zero from one point to the next, cut exactly where the line crosses zero.
#include "view.glsl"
#include "rows.glsl"

flat out vec4 v_color;
out float v_height;

void main() {
    // A point: bucket, upper and lower part of CVD, 1 if the line breaks before it.
    int row = gl_VertexID / 6, vertex = gl_VertexID - 6 * row;
    ivec4 point = row_texel(2 * row), next_point = row_texel(2 * row + 2);
    if (next_point.w != 0) {
        gl_Position = HIDDEN;
        return;
    }
    float zero = u_cvd_map.z;
    vec2 a = vec2(screen_x(point.x), cvd_y(point.yz));
    vec2 b = vec2(screen_x(next_point.x), cvd_y(next_point.yz));
    float from = contracts(point.yz), to = contracts(next_point.yz);     // their signs are exact
    bool crosses = (from > 0.0 && to < 0.0) || (from < 0.0 && to > 0.0);
    float share = from / (from - to);
    vec2 cut = vec2(mix(a.x, b.x, crosses ? share : 0.0), zero);
    vec2 a_foot = vec2(a.x, zero), b_foot = vec2(b.x, zero);
    // Two triangles: one on each side of the zero crossing, or the halves of a trapezium. Selected with conditions
    // instead of an array, which a software rasteriser would write to memory for each vertex.
    vec2 px = vertex == 0 ? a_foot : vertex == 1 ? a : vertex == 4 ? b : b_foot;
    if (vertex == 2 || vertex == 3) px = crosses ? cut : vertex == 2 ? b_foot : a;
    float value = vertex < 3 ? from : to;
    if (value == 0.0) value = vertex < 3 ? to : from;
    v_color = value >= 0.0 ? u_buy : u_sell;
    v_height = abs(px.y - zero);
    gl_Position = ndc_from_px(px);
}

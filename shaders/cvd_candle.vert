#version 330 core
// CVD of a bucket as a candle: a line from low to high, and a body from open to close.
#include "view.glsl"
#include "rows.glsl"

out vec2 v_local;
flat out vec2 v_half;
flat out vec4 v_color;

void main() {
    // Two quads per row: the line, then the body over it.
    bool is_body = (gl_VertexID & 4) != 0;
    int row = gl_VertexID >> 3;
    // Open, high and low are differences from the close.
    ivec4 point = row_texel(2 * row), others = row_texel(2 * row + 1);
    float x = screen_x(point.x), close = cvd_y(point.yz), per_contract = u_cvd_map.y;
    float open = close - float(others.x) * per_contract;
    vec2 ends = is_body ? vec2(open, close) : close - vec2(others.yz) * per_contract;
    float half_line = 0.5 * u_screen.z;
    float half_width = is_body ? max(0.36 * u_price_map.y, half_line) : half_line;
    vec2 middle = vec2(x, 0.5 * (ends.x + ends.y));
    v_half = vec2(half_width, max(0.5 * abs(ends.x - ends.y), half_line));
    v_color = others.x < 0 ? u_buy : others.x > 0 ? u_sell : u_balanced;
    v_local = (2.0 * corner_of(gl_VertexID) - 1.0) * (v_half + 1.0);
    gl_Position = ndc_from_px(middle + v_local);
}

#version 330 core
// Bars of the volume profile, growing leftwards from the right edge of the pane.
#include "view.glsl"
#include "rows.glsl"

uniform int u_origin_bar;   // bar in view that the bar numbers below are relative to
uniform vec4 u_places;      // y of the middle of that bar, px per bar, bar of the POC, opacity
uniform vec4 u_bars;        // x of the right edge, px per contract, first and last bar of the value area

out float v_x;
flat out vec4 v_ends;                       // x where buy, sell and unsided end; opacity

void main() {
    int number = row_of(gl_VertexID);
    ivec4 texel = row_texel(number);
    vec3 volume = intBitsToFloat(texel.xyz);   // buy, sell, unsided contracts
    vec3 ends = u_bars.x - vec3(volume.x, volume.x + volume.y, volume.x + volume.y + volume.z) * u_bars.y;
    float row = float(texel.w - u_origin_bar);
    float middle = u_places.x - row * u_places.y;
    float half_row = max(0.5 * u_places.y, 0.5);
    // Edges on whole pixels, with a gap of one pixel between bars of at least three.
    float top = floor(middle - half_row + 0.5);
    float bottom = max(floor(middle + half_row + 0.5) - (u_places.y >= 3.0 ? 1.0 : 0.0), top + 1.0);
    vec2 corner = corner_of(gl_VertexID);
    vec2 px = vec2(corner.x == 0.0 ? ends.z : u_bars.x, corner.y == 0.0 ? top : bottom);
    bool is_in_area = row >= u_bars.z && row <= u_bars.w;
    v_x = px.x;
    v_ends = vec4(ends, u_places.w * (row == u_places.z ? 1.9 : is_in_area ? 1.25 : 0.7));
    gl_Position = ndc_from_px(px);
}

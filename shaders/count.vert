#version 330 core
// A label that stands on a bubble: its picture moves with the chart, nothing is uploaded for it.
#include "view.glsl"
#include "rows.glsl"

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;

void main() {
    int row = row_of(gl_VertexID);
    ivec4 first = texelFetch(u_rows, 2 * row);
    vec4 second = floats_at(2 * row + 1);
    ivec2 place = first.xy;
    vec2 offset_px = intBitsToFloat(first.zw);      // left, top from the bubble's centre
    vec2 size_px = second.xy, cell = second.zw;     // cell: its left and top, texels
    vec2 corner = corner_of(gl_VertexID);
    vec2 centre = vec2(screen_x(place.x), screen_y(place.y));
    v_cell = cell + corner * size_px;
    v_color = vec4(u_text.rgb, u_screen.w * (u_mark.z != 0 && place.x != u_mark.x && place.x != u_mark.y ? 0.4 : 0.96));
    v_plate = vec3(0.0);
    gl_Position = ndc_from_px(centre + offset_px + corner * size_px);
}

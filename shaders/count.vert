#version 330 core
// A label anchored to a bubble: it moves with the chart without an upload.
#include "view.glsl"
#include "rows.glsl"

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;

void main() {
    int row = row_of(gl_VertexID);
    ivec4 place = texelFetch(u_rows, 3 * row);      // bucket, tick, 1/1024 ticks above the tick
    vec4 box_px = floats_at(3 * row + 1);           // left and top relative to the bubble's centre, width, height
    vec2 size_px = box_px.zw, cell = floats_at(3 * row + 2).xy;     // cell: left and top in the atlas, texels
    vec2 corner = corner_of(gl_VertexID);
    vec2 centre = vec2(screen_x(place.x), screen_y(place.y, place.z));
    v_cell = cell + corner * size_px;
    v_color = vec4(u_text.rgb, u_screen.w * (u_mark.z != 0 && place.x != u_mark.x && place.x != u_mark.y ? 0.4 : 0.96));
    v_plate = vec3(0.0);
    gl_Position = ndc_from_px(centre + box_px.xy + corner * size_px);
}

#version 330 core
// The number of a bubble, its plate, or the line that leads to it: it moves with the chart without an upload.
#include "view.glsl"
#include "rows.glsl"

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;                  // half width, half height, radius; 0 for a label

const int LABEL = 0, PLATE = 1;         // anything else is a leader

void main() {
    int row = row_of(gl_VertexID);
    ivec4 place = row_texel(3 * row);      // bucket, tick, 1/1024 ticks above the tick, what it is
    // Relative to the bubble's centre: left, top, width, height; of a leader: both its ends.
    vec4 box_px = floats_at(3 * row + 1);
    vec4 cell = floats_at(3 * row + 2);             // texels: left, top; plate: width, height, radius, opacity; leader: 0, 0, half width
    vec2 corner = corner_of(gl_VertexID);
    vec2 px = vec2(screen_x(place.x), screen_y(place.y, place.z));
    float strength = u_screen.w * (u_hover.z != 0 && place.x != u_hover.x && place.x != u_hover.y ? 0.4 : 1.0);
    if (place.w == LABEL) {
        v_cell = cell.xy + corner * box_px.zw;
        v_color = vec4(u_text.rgb, strength * 0.96);
        v_plate = vec3(0.0);
        px += box_px.xy + corner * box_px.zw;
    } else if (place.w == PLATE) {
        v_cell = (corner - 0.5) * cell.xy;
        v_color = vec4(u_ground.rgb, strength * cell.w);
        v_plate = vec3(cell.xy * 0.5, cell.z);
        px += box_px.xy + corner * box_px.zw;
    } else {
        vec2 along = box_px.zw - box_px.xy;
        float half_length = 0.5 * length(along);
        vec2 unit = along / max(2.0 * half_length, 1e-3);
        vec2 half_size = vec2(half_length, cell.z);
        v_cell = (corner * 2.0 - 1.0) * (half_size + 0.5);      // half a pixel more for the soft edge
        v_color = vec4(u_text.rgb, strength * 0.55);
        v_plate = vec3(half_size, 0.0);
        px += 0.5 * (box_px.xy + box_px.zw) + v_cell.x * unit + v_cell.y * vec2(-unit.y, unit.x);
    }
    gl_Position = ndc_from_px(px);
}

#version 330 core
// One row of the volume profile per instance, growing leftwards from the pane's right edge.
#include "view.glsl"

uniform vec4 u_rows;        // y of row 0's middle, px per row, row of the POC, opacity
uniform int u_first;        // row of the first instance
uniform vec4 u_bars;        // x of the right edge, px per contract, first and last row of the value area

layout(location = 0) in vec3 volume;        // buy, sell, unsided contracts

out float v_x;
flat out vec4 v_ends;                       // x where buy, sell and unsided end; opacity

void main() {
    vec3 ends = u_bars.x - vec3(volume.x, volume.x + volume.y, volume.x + volume.y + volume.z) * u_bars.y;
    float row = float(gl_InstanceID + u_first);
    float middle = u_rows.x - row * u_rows.y;
    float half_row = max(0.5 * u_rows.y, 0.5);
    // Edges on whole pixels, a hairline between rows that are high enough to have one.
    float top = floor(middle - half_row + 0.5);
    float bottom = max(floor(middle + half_row + 0.5) - (u_rows.y >= 3.0 ? 1.0 : 0.0), top + 1.0);
    vec2 px = vec2((gl_VertexID & 1) == 0 ? ends.z : u_bars.x, (gl_VertexID & 2) == 0 ? top : bottom);
    bool is_in_area = row >= u_bars.z && row <= u_bars.w;
    v_x = px.x;
    v_ends = vec4(ends, u_rows.w * (row == u_rows.z ? 1.9 : is_in_area ? 1.25 : 0.7));
    gl_Position = ndc_from_px(px);
}

#version 330 core
// Labels and plates, in framebuffer pixels.
#include "rows.glsl"

uniform vec2 u_ndc_per_px;

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;                  // half width, half height, radius; 0 for a label

void main() {
    int at = 4 * row_of(gl_VertexID);
    vec2 corner = corner_of(gl_VertexID);
    vec4 box_px = floats_at(at);       // left, top, width, height
    vec4 cell = floats_at(at + 1);     // texels: left, top, width, height; a plate: width, height, radius, 0
    vec2 px = box_px.xy + corner * box_px.zw;
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
    v_color = floats_at(at + 2);
    float kind = floats_at(at + 3).x;      // 0: label, 1: plate, 2: label that reads upwards
    if (kind == 1.0) {
        v_cell = (corner - 0.5) * cell.xy;
        v_plate = vec3(cell.xy * 0.5, cell.z);
    } else {
        v_cell = cell.xy + (kind == 2.0 ? vec2(1.0 - corner.y, corner.x) : corner) * cell.zw;
        v_plate = vec3(0.0);
    }
}

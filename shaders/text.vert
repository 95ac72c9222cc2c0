#version 330 core
// One label or plate per instance, in framebuffer pixels.
uniform vec2 u_ndc_per_px;

layout(location = 0) in vec4 box_px;    // left, top, width, height
layout(location = 1) in vec4 cell;      // texels: left, top, width, height; a plate: width, height, radius, 0
layout(location = 2) in vec4 color;
layout(location = 3) in float is_plate;

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;                  // half width, half height, radius; 0 for a label

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 px = box_px.xy + corner * box_px.zw;
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
    v_color = color;
    if (is_plate > 0.5) {
        v_cell = (corner - 0.5) * cell.xy;
        v_plate = vec3(cell.xy * 0.5, cell.z);
    } else {
        v_cell = cell.xy + corner * cell.zw;
        v_plate = vec3(0.0);
    }
}

#version 330 core
// Labels and plates, in framebuffer pixels.
uniform vec2 u_ndc_per_px;

uniform samplerBuffer u_rows;           // four texels a label

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;                  // half width, half height, radius; 0 for a label

void main() {
    int at = 4 * (gl_VertexID >> 2);
    vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1);
    vec4 box_px = texelFetch(u_rows, at);       // left, top, width, height
    vec4 cell = texelFetch(u_rows, at + 1);     // texels: left, top, width, height; a plate: width, height, radius, 0
    vec2 px = box_px.xy + corner * box_px.zw;
    gl_Position = vec4(px.x * u_ndc_per_px.x - 1.0, 1.0 - px.y * u_ndc_per_px.y, 0.0, 1.0);
    v_color = texelFetch(u_rows, at + 2);
    if (texelFetch(u_rows, at + 3).x > 0.5) {
        v_cell = (corner - 0.5) * cell.xy;
        v_plate = vec3(cell.xy * 0.5, cell.z);
    } else {
        v_cell = cell.xy + corner * cell.zw;
        v_plate = vec3(0.0);
    }
}

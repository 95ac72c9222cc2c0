#version 330 core
// The output of Dear ImGui: coloured triangles in ImGui units, textured with its font atlas.
layout(location = 0) in vec2 a_place;
layout(location = 1) in vec2 a_cell;
layout(location = 2) in vec4 a_color;

uniform vec2 u_ndc_per_unit;

out vec2 v_cell;
out vec4 v_color;

void main() {
    v_cell = a_cell;
    v_color = a_color;
    gl_Position = vec4(a_place.x * u_ndc_per_unit.x - 1.0, 1.0 - a_place.y * u_ndc_per_unit.y, 0.0, 1.0);
}

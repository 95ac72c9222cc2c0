#version 330 core
// A label that stands on a bubble: its picture moves with the chart, nothing is uploaded for it.
#include "view.glsl"

layout(location = 0) in ivec2 place;
layout(location = 1) in vec4 offset_px;     // left, top from the bubble's centre; width, height
layout(location = 2) in vec2 cell;          // texels: left, top

out vec2 v_cell;
flat out vec4 v_color;
flat out vec3 v_plate;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 centre = vec2(screen_x(place.x), screen_y(place.y));
    v_cell = cell + corner * offset_px.zw;
    v_color = vec4(u_text.rgb, u_screen.w * (u_mark.z != 0 && place.x != u_mark.x && place.x != u_mark.y ? 0.4 : 0.96));
    v_plate = vec3(0.0);
    gl_Position = ndc_from_px(centre + offset_px.xy + corner * offset_px.zw);
}

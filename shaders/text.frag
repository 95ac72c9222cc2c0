#version 330 core
uniform sampler2D u_atlas;
uniform vec2 u_texel;                   // 1 / atlas size

in vec2 v_cell;
flat in vec4 v_color;
flat in vec3 v_plate;

out vec4 fragment;

void main() {
    float cover;
    if (v_plate.x > 0.0) {
        vec2 past = abs(v_cell) - v_plate.xy + v_plate.z;
        float distance_px = length(max(past, 0.0)) + min(max(past.x, past.y), 0.0) - v_plate.z;
        cover = clamp(0.5 - distance_px, 0.0, 1.0);
    } else {
        cover = texture(u_atlas, v_cell * u_texel).r;
    }
    fragment = vec4(v_color.rgb, v_color.a * cover);
}

#version 330 core
#include "sdf.glsl"

in vec2 v_at;
flat in vec2 v_half;
flat in vec4 v_color;
flat in vec4 v_form;

out vec4 fragment;

const int SOLID = 0, DASH = 1, HATCH = 2, RING = 3, FADE = 4, ROUNDED = 5, TRIANGLE = 6, SLANT = 7;

void main() {
    int kind = int(v_form.x);
    float cover = 1.0;
    if (kind == DASH) {                     // period, dash length
        float along = v_half.x > v_half.y ? v_at.x + v_half.x : v_at.y + v_half.y;
        cover = step(mod(along, v_form.y), v_form.z);
    } else if (kind == HATCH) {             // period across the stripes, half width of a stripe, phase
        float across = (v_at.x + v_half.x + v_at.y + v_half.y + v_form.w) * 0.70710678;
        cover = band(mod(across, v_form.y) - 0.5 * v_form.y, v_form.z);
    } else if (kind == RING) {              // half thickness, number of dashes (0: one closed line), share of a dash
        cover = band(length(v_at) - v_half.x + v_form.y + 0.5, v_form.y);
        float turn = atan(v_at.y, v_at.x) * 0.15915494 + 0.5;
        if (v_form.z > 0.0) cover *= step(fract(turn * v_form.z), v_form.w);
    } else if (kind == FADE) {              // direction of increasing opacity: x, y
        float share = 0.5 + 0.5 * dot(v_at / v_half, v_form.yz);
        cover = share * share;
    } else if (kind == ROUNDED) {           // radius
        cover = inside(rounded_box(v_at, v_half, v_form.y));
    } else if (kind == TRIANGLE) {          // 1 points up, -1 down
        float y = v_at.y * v_form.y;
        cover = inside((abs(v_at.x) - v_half.x * (y + v_half.y) / (2.0 * v_half.y)) * 0.85);
    } else if (kind == SLANT) {             // half thickness, padding, 1 falls from left to right, -1 rises
        vec2 reach = v_half - v_form.z;     // from the middle to one end
        vec2 along = normalize(vec2(reach.x, reach.y * v_form.w) + vec2(1e-6, 0.0));
        float past = max(abs(dot(v_at, along)) - length(reach), 0.0);
        cover = inside(length(vec2(past, dot(v_at, vec2(-along.y, along.x)))) - v_form.y);
    }
    fragment = vec4(v_color.rgb, v_color.a * cover);
}

#version 330 core
#include "sdf.glsl"

in vec2 v_at;
flat in vec2 v_half;
flat in vec4 v_color;
flat in vec4 v_form;

out vec4 fragment;

const int SOLID = 0, DASH = 1, HATCH = 2, RING = 3, FADE = 4, ROUNDED = 5, TRIANGLE = 6;

void main() {
    int kind = int(v_form.x);
    float cover = 1.0;
    if (kind == DASH) {                     // period, dash length
        float along = v_half.x > v_half.y ? v_at.x + v_half.x : v_at.y + v_half.y;
        cover = step(mod(along, v_form.y), v_form.z);
    } else if (kind == HATCH) {             // period across the stripes, half width of a stripe, phase
        float across = (v_at.x + v_half.x + v_at.y + v_half.y + v_form.w) * 0.70710678;
        cover = band(mod(across, v_form.y) - 0.5 * v_form.y, v_form.z);
    } else if (kind == RING) {              // half thickness
        cover = band(length(v_at) - v_half.x + v_form.y + 0.5, v_form.y);
    } else if (kind == FADE) {              // direction of increasing opacity: x, y
        float share = 0.5 + 0.5 * dot(v_at / v_half, v_form.yz);
        cover = share * share;
    } else if (kind == ROUNDED) {           // radius
        cover = inside(rounded_box(v_at, v_half, v_form.y));
    } else if (kind == TRIANGLE) {          // 1 points up, -1 down
        float y = v_at.y * v_form.y;
        cover = inside((abs(v_at.x) - v_half.x * (y + v_half.y) / (2.0 * v_half.y)) * 0.85);
    }
    fragment = vec4(v_color.rgb, v_color.a * cover);
}

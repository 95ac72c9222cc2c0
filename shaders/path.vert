#version 330 core
// From each bubble's close to the next one's, and from its low to its high: what price did between the discs' centres.
#include "view.glsl"
#include "line.glsl"

layout(location = 0) in ivec2 place;
layout(location = 1) in ivec4 span;         // close, high, low: whole ticks from floor(price); 1 where a gap lies before
layout(location = 2) in ivec2 next_place;
layout(location = 3) in ivec4 next_span;

out vec2 v_local;
flat out float v_length;
flat out float v_opacity;

int price_at(int price, int ticks) { return ((price >> 10) + ticks) << 10; }

// Two quads in one strip: the last corner of the first and the first of the second are given twice, as vertices
// 0 1 2 3 3 and 0 0 1 2 3. Arithmetic, not an array: software would go through memory for each vertex.
int corner_of(int vertex) { return vertex < 5 ? min(vertex, 3) : max(vertex - 6, 0); }

void main() {
    bool is_range = gl_VertexID >= 5;
    float x = screen_x(place.x);
    vec2 a, b;
    if (is_range) {
        a = vec2(x, screen_y(price_at(place.y, span.y)));
        b = vec2(x, screen_y(price_at(place.y, -span.z)));
        v_opacity = 0.42;
    } else {
        if (next_span.w != 0 || place.x == u_mark.w) {
            gl_Position = HIDDEN;
            return;
        }
        a = vec2(x, screen_y(price_at(place.y, span.x)));
        b = vec2(screen_x(next_place.x), screen_y(price_at(next_place.y, next_span.x)));
        v_opacity = 0.34;
    }
    v_opacity *= u_screen.w;
    vec2 px = line_corner(a, b, 0.5 * u_screen.z, corner_of(gl_VertexID), v_local, v_length);
    gl_Position = ndc_from_px(px);
}

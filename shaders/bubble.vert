#version 330 core
// One bubble per instance: a quad just large enough for disc, rim, ring and glow.
#include "view.glsl"

layout(location = 0) in ivec2 place;    // bucket, price (1/1024 tick), relative to their bases
layout(location = 1) in vec3 sides;     // buy, sell, unsided contracts

out vec2 v_from_centre;
flat out float v_radius;
flat out vec4 v_fill;                   // rgb and opacity
flat out vec4 v_rim;
flat out vec2 v_extra;                  // opacity of the white ring, of the glow

void main() {
    float sided = sides.x + sides.y;
    float delta = sides.x - sides.y;
    float volume = sided > 0.0 ? max(sides.x, sides.y) : sides.z;
    bool is_open = place.x == u_origin.w;
    if (volume < u_size.w) {
        gl_Position = HIDDEN;
        return;
    }
    float share = min(1.0, volume * u_size.z);
    float radius = sqrt(u_size.x + u_size.y * share);
    bool is_significant = abs(delta) > u_look.x * sided;
    vec3 tint = is_significant ? (delta > 0.0 ? u_buy.rgb : u_sell.rgb) : u_balanced.rgb;
    bool is_hovered = place.x == u_mark.x;
    bool is_pinned = place.x == u_mark.y;
    float strength = u_screen.w * (u_mark.z != 0 && !is_hovered && !is_pinned ? 0.5 : 1.0);

    v_radius = radius;
    v_fill = vec4(tint, strength * (is_hovered ? min(1.0, u_look.y + 0.25) : u_look.y));
    v_rim = vec4(mix(tint, u_text.rgb, is_hovered || is_pinned ? 0.65 : 0.12), strength * u_look.z);
    float glow = is_significant ? u_look.w * smoothstep(0.6, 1.0, share) : 0.0;
    v_extra = vec2(is_open || is_pinned ? 0.95 * u_screen.w : 0.0, glow * strength);

    float reach = radius + 1.0 + (v_extra.x > 0.0 ? 3.5 * u_screen.z : 0.0);
    reach = glow > 0.0 ? max(reach, radius * 1.35) : reach;
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    v_from_centre = corner * reach;
    gl_Position = ndc_from_px(vec2(screen_x(place.x), screen_y(place.y)) + v_from_centre);
}

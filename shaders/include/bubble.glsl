// Size and colours of a bubble: one rule for both ways of drawing discs.
#include "view.glsl"
#include "sdf.glsl"

struct Look {
    float radius;       // px
    vec4 fill;          // rgb and opacity
    vec4 rim;
    float glow;         // opacity
    bool is_ringed;     // open or pinned
};

const float FULL = 4.0;     // times the threshold: the imbalance from which a fill is strongest

// Opacity of a fill, relative to that of a balanced bubble: the more one-sided, the stronger.
float fill_strength(float imbalance) {
    float full = min(1.0, FULL * u_look.x);
    return mix(0.6, 1.3, clamp((imbalance - u_look.x) / max(full - u_look.x, 1e-6), 0.0, 1.0));
}

// Returns false if the size floor hides the bubble.
bool look_of(int bucket, float volume, float imbalance, out Look look) {
    float share = min(1.0, volume * u_size.z);
    bool is_significant = abs(imbalance) > u_look.x;
    vec3 tint = is_significant ? (imbalance > 0.0 ? u_buy.rgb : u_sell.rgb) : u_balanced.rgb;
    bool is_hovered = bucket == u_hover.x;
    bool is_pinned = bucket == u_hover.y;
    bool is_pointed_at = is_hovered || is_pinned;
    float strength = u_screen.w * (u_hover.z != 0 && !is_pointed_at ? 0.5 : 1.0);

    look.radius = sqrt(u_size.x + u_size.y * share);
    float fill = u_look.y * (is_significant ? fill_strength(abs(imbalance)) : 1.0);
    look.fill = vec4(tint, strength * (is_hovered ? min(1.0, fill + 0.25) : fill));
    look.rim = vec4(mix(tint, u_text.rgb, is_pointed_at ? 0.65 : 0.12), strength * u_look.z);
    look.glow = is_significant ? strength * u_look.w * smoothstep(0.6, 1.0, share) : 0.0;
    look.is_ringed = bucket == u_origin.z || is_pinned;
    return volume >= u_size.w;
}

// Width of the rim, px, including half a pixel for anti-aliasing.
float rim_width() { return 1.2 * u_screen.z + 0.5; }

// Width of the dark edge around a disc, px: it tells overlapping discs apart.
float edge_width() { return u_screen.z; }

// Colour of a disc, its rim and its dark edge at `past_edge` px outside its rim (negative inside); `rim_px` is
// rim_width(), `edge` the ground's colour and edge_width().
vec4 disc_color(float past_edge, float rim_px, vec4 edge, vec4 fill, vec4 rim) {
    vec4 color = mix(fill, rim, clamp(past_edge + rim_px, 0.0, 1.0));
    vec4 dark = vec4(edge.rgb, 0.7 * rim.a * inside(past_edge - edge.a));
    return mix(dark, color, inside(past_edge));
}

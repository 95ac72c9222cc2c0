#version 330 core
// A quad just large enough for disc, rim, dark edge, ring and glow, plus half a pixel for anti-aliasing.
#include "bubble.glsl"
#include "bubble_rows.glsl"

out vec2 v_from_centre;
flat out float v_radius;
flat out vec4 v_fill;                   // rgb and opacity
flat out vec4 v_rim;
flat out vec2 v_extra;                  // opacity of the white ring, of the glow

void main() {
    int row = row_of(gl_VertexID);
    Bubble bubble = bubble_at(row);
    Look look;
    if (!look_of(bubble.bucket, bubble.volume, bubble.imbalance, look)) {
        gl_Position = HIDDEN;
        return;
    }
    v_radius = look.radius;
    v_fill = look.fill;
    v_rim = look.rim;
    v_extra = vec2(look.is_ringed ? 0.95 * u_screen.w : 0.0, look.glow);

    float reach = look.radius + edge_width() + 0.5 + (v_extra.x > 0.0 ? 3.5 * u_screen.z : 0.0);
    reach = look.glow > 0.0 ? max(reach, look.radius * 1.35) : reach;
    v_from_centre = (corner_of(gl_VertexID) * 2.0 - 1.0) * reach;
    vec2 centre = vec2(screen_x(bubble.bucket), screen_y(bubble.tick, bubble.part));
    gl_Position = ndc_from_px(centre + v_from_centre);
}

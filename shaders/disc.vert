#version 330 core
// One bubble per point, for crowded charts: a disc with its rim, without glow and ring.
#include "bubble.glsl"
#include "bubble_rows.glsl"

uniform vec2 u_narrowed;                // scale from the screen's ndc to those of the enlarged viewport

flat out vec2 v_size;                   // radius of the disc, of the point, px
flat out float v_rim_px;
flat out vec4 v_fill;
flat out vec4 v_rim;
flat out vec4 v_edge;

void main() {
    Bubble bubble = bubble_at(gl_VertexID);
    Look look;
    if (!look_of(bubble.bucket, bubble.volume, bubble.imbalance, look)) {
        gl_Position = HIDDEN;
        return;
    }
    v_size = vec2(look.radius, look.radius + edge_width() + 0.5);     // plus half a pixel for anti-aliasing
    v_rim_px = rim_width();
    v_edge = vec4(u_ground.rgb, edge_width());
    v_fill = look.fill;
    v_rim = look.rim;
    gl_PointSize = 2.0 * v_size.y;
    gl_Position = ndc_from_px(vec2(screen_x(bubble.bucket), screen_y(bubble.tick, bubble.part)));
    gl_Position.xy *= u_narrowed;
}

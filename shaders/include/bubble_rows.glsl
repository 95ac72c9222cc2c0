// A bubble's row: two texels.
#include "rows.glsl"

struct Bubble {
    ivec2 place;        // bucket, price (1/1024 tick), relative to their bases
    ivec4 span;         // close, high, low: whole ticks from floor(price); 1 where a gap lies before
};

ivec2 halves(int word) { return ivec2((word << 16) >> 16, word >> 16); }

Bubble bubble_at(int row) {
    ivec4 texel = texelFetch(u_rows, 2 * row);
    return Bubble(texel.xy, ivec4(halves(texel.z), halves(texel.w)));
}

// Buy, sell, unsided contracts.
vec3 sides_at(int row) { return floats_at(2 * row + 1).xyz; }

// A bubble's row: two texels. Prices are ticks relative to the base.
#include "rows.glsl"

struct Bubble {
    int bucket;
    int tick;           // of the average price, rounded down ...
    int part;           // ... and 1/1024 ticks above it
    bool is_after_gap;
    int close;
    int high;
    int low;
    float volume;       // contracts of the dominant side, or unsided contracts if there is none
    float imbalance;    // delta / (buy + sell), 0 without sided trades
};

Bubble bubble_at(int row) {
    ivec4 first = row_texel(2 * row), second = row_texel(2 * row + 1);
    return Bubble(first.x, first.y, first.z & 0xFFFF, first.z >> 16 != 0, first.w, second.x, second.y,
        intBitsToFloat(second.z), intBitsToFloat(second.w));
}

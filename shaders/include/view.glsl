// The view of the chart being drawn, written once per frame. Pixels have their origin at the top left, y pointing down.
layout(std140) uniform Frame {
    vec4 u_screen;      // ndc per px (x, y), content scale, opacity of this level of detail
    vec4 u_price_map;   // x of the middle of the origin bucket, px per bucket, y of the origin tick, px per tick
    vec4 u_cvd_map;     // y of the origin, px per contract, y of the zero line, line half width
    ivec4 u_origin;     // bucket, tick, index of the open bubble, unused
    ivec4 u_cvd_origin; // cvd: upper and lower part; number of folds; px per fold (float)
    ivec4 u_hover;      // hovered bubble, pinned bubble, 1 while something is hovered, newest bubble drawn
    vec4 u_size;        // r_min^2, r_max^2 - r_min^2, 1 / reference, size floor (contracts)
    vec4 u_look;        // significance threshold, fill opacity, rim opacity, glow opacity
    vec4 u_buy;
    vec4 u_sell;
    vec4 u_balanced;
    vec4 u_text;
    vec4 u_quiet;
    vec4 u_ground;
    ivec4 u_folds[512]; // first bucket in the fold, first bucket behind it and its x (float), x of the fold (float)
};

// x of a bucket behind a fold or, if its middle lies in the fold, of the fold's nearer end.
float folded_x(int bucket) {
    int at = 0, end = u_cvd_origin.z;
    while (at < end) {
        int middle = (at + end) / 2;
        if (u_folds[middle].x <= bucket) at = middle + 1; else end = middle;
    }
    if (at == 0) return u_price_map.x + float(bucket - u_origin.x) * u_price_map.y;
    ivec4 fold = u_folds[at - 1];
    if (bucket >= fold.y) return intBitsToFloat(fold.z) + float(bucket - fold.y) * u_price_map.y;
    bool is_nearer_start = 2 * bucket < fold.x + fold.y;
    return intBitsToFloat(fold.w) + (is_nearer_start ? 0.0 : intBitsToFloat(u_cvd_origin.w));
}

// Integers are subtracted before the conversion to float, so the result is exact at any distance from the base.
float screen_x(int bucket) {
    if (u_cvd_origin.z != 0) return folded_x(bucket);
    return u_price_map.x + float(bucket - u_origin.x) * u_price_map.y;
}
// A price is a tick plus, for averages, a fraction in 1/1024 ticks.
float screen_y(int tick) { return u_price_map.z - float(tick - u_origin.y) * u_price_map.w; }
float screen_y(int tick, int part) {
    return u_price_map.z - (float(tick - u_origin.y) + float(part) * (1.0 / 1024.0)) * u_price_map.w;
}
// CVD is split into upper * 2^24 + lower: exact as integers, and as a float near the origin.
float contracts(ivec2 cvd) { return float(cvd.x) * 16777216.0 + float(cvd.y); }
float cvd_y(ivec2 cvd) { return u_cvd_map.x - contracts(cvd - u_cvd_origin.xy) * u_cvd_map.y; }
vec4 ndc_from_px(vec2 px) { return vec4(px.x * u_screen.x - 1.0, 1.0 - px.y * u_screen.y, 0.0, 1.0); }

const vec4 HIDDEN = vec4(2.0, 2.0, 2.0, 1.0);

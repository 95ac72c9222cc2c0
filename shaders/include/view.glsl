// The chart that is being drawn: one block, written once a frame. Pixels have their origin at the top left, y down.
layout(std140) uniform Frame {
    vec4 u_screen;      // ndc per px (x, y), content scale, opacity of this level of detail
    vec4 u_price_map;   // x of the origin bucket's middle, px per bucket, y of the origin price, px per price unit
    vec4 u_cvd_map;     // y of the origin, px per contract, y of the zero line, line half width
    ivec4 u_origin;     // bucket, price (1/1024 tick), cvd (contracts), index of the open bubble
    ivec4 u_mark;       // hovered bubble, pinned bubble, 1 while something is hovered, newest bubble drawn
    vec4 u_size;        // r_min^2, r_max^2 - r_min^2, 1 / reference, size floor
    vec4 u_look;        // significance threshold, fill opacity, rim opacity, glow opacity
    vec4 u_buy;
    vec4 u_sell;
    vec4 u_balanced;
    vec4 u_text;
    vec4 u_quiet;
    vec4 u_ground;
};

// Integers are subtracted before they become floats: exact, however far the base lies.
float screen_x(int bucket) { return u_price_map.x + float(bucket - u_origin.x) * u_price_map.y; }
float screen_y(int price) { return u_price_map.z - float(price - u_origin.y) * u_price_map.w; }
float cvd_y(int cvd) { return u_cvd_map.x - float(cvd - u_origin.z) * u_cvd_map.y; }
vec4 ndc_from_px(vec2 px) { return vec4(px.x * u_screen.x - 1.0, 1.0 - px.y * u_screen.y, 0.0, 1.0); }

const vec4 HIDDEN = vec4(2.0, 2.0, 2.0, 1.0);

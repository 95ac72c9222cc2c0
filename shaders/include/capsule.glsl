// Coverage of a line with round ends; `local` and `length_px` come from line_corner.
float capsule(vec2 local, float length_px, float half_width) {
    float past = max(max(-local.x, local.x - length_px), 0.0);
    return clamp(half_width + 0.5 - length(vec2(past, local.y)), 0.0, 1.0);
}

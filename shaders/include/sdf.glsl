// Anti-aliasing: coverage of a pixel from signed distances in pixels: 1 inside, 0 outside, half at the edge.
float inside(float distance_px) { return clamp(0.5 - distance_px, 0.0, 1.0); }
float band(float distance_px, float half_width_px) { return clamp(half_width_px + 0.5 - abs(distance_px), 0.0, 1.0); }

float rounded_box(vec2 at, vec2 half_size, float radius) {
    vec2 past = abs(at) - half_size + radius;
    return length(max(past, 0.0)) + min(max(past.x, past.y), 0.0) - radius;
}

// A line from a to b as a quad of triangle corners 0..5; `local` measures along and across it, in pixels.
vec2 line_corner(vec2 a, vec2 b, float half_width, int corner, out vec2 local, out float length_px) {
    const int order[6] = int[6](0, 1, 2, 2, 1, 3);
    int which = order[corner];
    vec2 along = b - a;
    length_px = length(along);
    vec2 direction = length_px > 1e-4 ? along / length_px : vec2(1.0, 0.0);
    float reach = half_width + 1.0;
    local = vec2((which & 1) == 0 ? -reach : length_px + reach, (which & 2) == 0 ? -reach : reach);
    return a + direction * local.x + vec2(-direction.y, direction.x) * local.y;
}

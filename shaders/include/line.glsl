// A line from a to b as a quad of strip corners 0..3; `local` measures along and across it, in pixels.
vec2 line_corner(vec2 a, vec2 b, float half_width, int corner, out vec2 local, out float length_px) {
    vec2 along = b - a;
    length_px = length(along);
    vec2 direction = length_px > 1e-4 ? along / length_px : vec2(1.0, 0.0);
    float reach = half_width + 1.0;
    local = vec2((corner & 1) == 0 ? -reach : length_px + reach, (corner & 2) == 0 ? -reach : reach);
    return a + direction * local.x + vec2(-direction.y, direction.x) * local.y;
}

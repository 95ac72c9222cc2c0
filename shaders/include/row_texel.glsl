// How a texel of the rows is read: from a buffer texture. The browser page has its own version (web/row_texel.glsl).
uniform isamplerBuffer u_rows;

ivec4 row_texel(int texel) { return texelFetch(u_rows, texel); }

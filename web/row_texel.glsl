// How a texel of the rows is read where there are no buffer textures: from a texture 1,024 texels wide (gl/rows.js).
uniform highp isampler2D u_rows;

ivec4 row_texel(int texel) { return texelFetch(u_rows, ivec2(texel & 1023, texel >> 10), 0); }

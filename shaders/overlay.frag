#version 330 core
uniform sampler2D u_glyphs;

in vec2 v_cell;
in vec4 v_color;

out vec4 fragment;

void main() {
    fragment = v_color * texture(u_glyphs, v_cell);
}

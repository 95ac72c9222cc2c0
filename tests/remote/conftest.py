from tests.kit.gl_context import context, kit

__all__ = ["context", "kit"]

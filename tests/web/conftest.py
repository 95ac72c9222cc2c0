"""The shared context of all tests that draw."""

from tests.kit.gl_context import context, kit

__all__ = ["context", "kit"]

"""The shared context of all tests that draw."""

from tests.kit.gl_context import context, kit, stack

__all__ = ["context", "kit", "stack"]

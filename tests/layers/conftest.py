"""The shared context of all tests that draw."""

from tests.kit.gl_context import context, resources, stack

__all__ = ["context", "resources", "stack"]

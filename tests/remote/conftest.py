from tests.kit.gl_context import context, resources

__all__ = ["context", "resources"]

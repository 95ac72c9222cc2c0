"""The errors of the protocol."""

from flow_gl.core.errors import EXIT_FEED, FlowError


class ProtocolError(FlowError):
    """The other side broke the protocol. The message says what was expected and what was found, in one line."""

    exit_code = EXIT_FEED

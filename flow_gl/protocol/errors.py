"""The errors of the protocol."""

from flow_gl.core.errors import EXIT_FEED, FlowError


class ProtocolError(FlowError):
    """The peer violated the protocol. The message says in one line what was expected and what was received."""

    exit_code = EXIT_FEED

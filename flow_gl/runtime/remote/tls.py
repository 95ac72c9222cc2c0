"""The client's side of TLS."""

import ssl

from flow_gl.core.errors import FeedError
from flow_gl.core.spec import RemoteSpec


def client_context(spec: RemoteSpec) -> ssl.SSLContext | bool:
    """Return how to verify the server; True selects the system's certificate authorities.

    Raises
    ------
    FeedError : the certificate file cannot be read
    """
    if not spec.ca:
        return True
    try:
        return ssl.create_default_context(cafile=spec.ca)
    except (OSError, ssl.SSLError) as error:
        raise FeedError(f"{spec.ca}: cannot be used as certificates: {error}") from None

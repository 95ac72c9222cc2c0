"""The client's side of TLS."""

import ssl

from flow_gl.core.errors import DataError
from flow_gl.core.spec import RemoteSpec


def client_context(spec: RemoteSpec) -> ssl.SSLContext | bool:
    """Return how to verify the server; True selects the system's certificate authorities.

    Raises
    ------
    DataError : the certificate file cannot be read, or contains no certificate
    """
    if not spec.ca:
        return True
    try:
        return ssl.create_default_context(cafile=spec.ca)
    except ssl.SSLError:
        raise DataError(f"--ca {spec.ca}: expected certificates in PEM") from None
    except OSError as error:
        raise DataError(f"--ca {spec.ca}: cannot be read: {error.strerror or error}") from None

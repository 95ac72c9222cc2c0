"""Checks whether a server can listen on an address, and gives the reason in one line if not."""

import errno
import socket
import sys
from contextlib import closing

from flow_gl.core.errors import FlowError


def check_port(host: str, port: int) -> int:
    """Return the port to use; 0 selects a free one. Raises FlowError if another program uses it.

    Workers share their port, so a second server of the same user would share it too. The port is therefore first bound
    without sharing.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise FlowError(f"--host {host}: there is no such address: {error.strerror or error}") from error
    for family, kind, protocol, _, address in found:
        with closing(socket.socket(family, kind, protocol)) as trial:
            if sys.platform != "win32":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(address)
                port = int(trial.getsockname()[1])
            except OSError as error:
                raise FlowError(describe_bind(error, host, port)) from error
    return port


def describe_bind(error: OSError, host: str, port: int) -> str:
    """Describe in one line why an address cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: choose another with --port, or end the program that uses it"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} requires elevated rights: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host}: this machine does not have that address"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"

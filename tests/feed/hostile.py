"""A hostile gateway: it sends what it is given, and never reads more than it must."""

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

from tests.gateway import records
from tests.gateway.tape import KEY

Script = Callable[[socket.socket], None]


class HostileGateway:
    """Serves every connection with a script, each on its own thread.

    Parameters
    ----------
    script : called with the socket of each connection; it may raise OSError
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._script(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def greet(connection: socket.socket) -> None:
    """Accept the client and read its request."""
    challenge = os.urandom(16).hex()
    connection.sendall(b"lsg_version=0.6.1\n" + f"cram={challenge}\n".encode())
    answer = hashlib.sha256(f"{challenge}|{KEY}".encode()).hexdigest()
    heard = b""
    while answer.encode() not in heard or b"\n" not in heard:
        heard += _read(connection)
    connection.sendall(b"success=1|session_id=1\n")
    heard = b""
    while b"start_session" not in heard:
        heard += _read(connection)


def stream(connection: socket.socket) -> None:
    """Accept the client and send the stream's header."""
    greet(connection)
    connection.sendall(records.metadata())


def for_ever(data: bytes, limit: int = 1 << 31) -> Iterator[bytes]:
    """Send the same bytes again and again, in chunks of a megabyte."""
    piece = data * max(1, (1 << 20) // len(data))
    for _ in range(0, limit, len(piece)):
        yield piece


def _read(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError
    return data

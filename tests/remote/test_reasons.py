"""Why there is no connection, in one line: a token is missing, the address has the wrong scheme, --ca is wrong."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from flow_gl.core.errors import DataError
from flow_gl.core.spec import RemoteSpec
from flow_gl.runtime.remote import connection
from flow_gl.runtime.remote.connection import Connection
from flow_gl.runtime.remote.tls import client_context
from tests.kit.certificates import make_certificate
from tests.kit.waiting import until_async
from tests.remote.test_connection import Notes, forever, run


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that answers a plain request as any web server does; yield its port. With `context` it uses TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with suppress(OSError), client:
                        if context is None:
                            client.recv(4096)
                            client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                        else:
                            context.wrap_socket(client, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def reason(url: str, ca: str | None = None) -> str:
    """Return why the first attempt failed."""
    notes = Notes()

    async def connect() -> None:
        task = asyncio.create_task(Connection(RemoteSpec(url=url, ca=ca), "", notes).run())
        await until_async(lambda: notes.named("lost", "stopped"), "an attempt")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(connect())
    return str(notes.named("lost", "stopped")[0])


def test_a_server_that_waits_for_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SILENT_S", 0.05)
    notes, _ = run(lambda *_: forever(), lambda notes: bool(notes.named("lost")), monkeypatch=monkeypatch)
    assert notes.named("lost")[0] == "the server does not respond; if it requires a token, set FLOW_GL_TOKEN"


def test_tls_to_a_server_without_it_and_the_reverse(tmp_path: Path) -> None:
    with listening() as port:
        assert "then use ws://" in reason(f"wss://127.0.0.1:{port}/ws")
    made = make_certificate(tmp_path, days=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    with listening(context) as port:
        assert "its address begins with wss://" in reason(f"ws://127.0.0.1:{port}/ws")
        said = reason(f"wss://127.0.0.1:{port}/ws")
        assert (
            said == "the server's certificate is not trusted: self-signed certificate; "
            "give its authority's certificate with --ca"
        )


def test_a_wrong_ca_file_is_one_line_and_wrong_data(tmp_path: Path) -> None:
    absent, rubbish = tmp_path / "absent.pem", tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish\n")
    with pytest.raises(DataError, match=r"^--ca \S+absent.pem: cannot be read: No such file or directory$"):
        client_context(RemoteSpec(url="wss://x/ws", ca=str(absent)))
    with pytest.raises(DataError, match=r"^--ca \S+rubbish.pem: expected certificates in PEM$"):
        client_context(RemoteSpec(url="wss://x/ws", ca=str(rubbish)))

"""A local server that answers as Databento's historical API does, and fails on request.

It holds trades, filters them by `ts_recv`, counts and prices them, and streams them as zstd DBN. `breaks` gives the
number of bytes after which each of the next streams breaks off, `refusals` the errors for the next requests.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import databento
import databento_dbn as dbn
import numpy as np
import zstandard
from numpy.typing import NDArray

KEY = "db-0123456789abcdefghijklmnopqrs"
USD_PER_BYTE = 1e-6


class Server:
    """The server's data, its faults, and the requests it received."""

    def __init__(self, trades: NDArray[np.void]) -> None:
        self.trades = trades
        self.breaks: list[int] = []
        self.refusals: list[tuple[int, Any]] = []
        self.shortfall = 0
        """Number of trades missing at the end of streams, compared with the count."""
        self.warning = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    @property
    def streams(self) -> list[dict[str, str]]:
        """Requests for data."""
        return [query for name, query in self.asked if name == "timeseries.get_range"]

    def select(self, query: dict[str, str]) -> NDArray[np.void]:
        recv = self.trades["ts_recv"]
        return self.trades[(recv >= int(query["start"])) & (recv < int(query["end"]))]

    def historical(self, key: str = KEY) -> databento.Historical:
        """Return the real client with its requests redirected to this server; otherwise it speaks only TLS."""
        client = databento.Historical(key)
        for api, name in ((client.metadata, "metadata"), (client.timeseries, "timeseries")):
            api._base_url = f"{self.url}/v0/{name}"
        return client

    @contextmanager
    def running(self) -> Iterator["Server"]:
        state = self

        class Handler(_Handler):
            server_state = state

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        state = self.server_state
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        query = {name: values[0] for name, values in parse_qs(body).items()}
        name = self.path.rsplit("/", 1)[-1]
        state.asked.append((name, query))
        if self.headers["Authorization"] != "Basic " + base64.b64encode(f"{KEY}:".encode()).decode():
            self._json(401, {"detail": {"case": "auth_failed", "message": "bad key", "docs": None}})
        elif state.refusals:
            self._json(*state.refusals.pop(0))
        elif name == "timeseries.get_range":
            self._stream(query)
        else:
            rows = state.select(query)
            answers = {
                "metadata.get_cost": rows.nbytes * USD_PER_BYTE,
                "metadata.get_billable_size": rows.nbytes,
                "metadata.get_record_count": len(rows),
            }
            self._json(200, answers[name])

    def _json(self, status: int, answer: Any) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.server_state.warning:
            self.send_header("X-Warning", json.dumps([self.server_state.warning]))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, query: dict[str, str]) -> None:
        state = self.server_state
        rows = state.select(query)
        data = encode(query, rows[: len(rows) - state.shortfall])
        length = state.breaks.pop(0) if state.breaks else len(data)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, min(length, len(data)), 1000):
            chunk = data[at : min(at + 1000, length)]
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if length >= len(data):
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Suppress log lines."""


def encode(query: dict[str, str], rows: NDArray[np.void]) -> bytes:
    """Return a response to a data request: header and records, flushed every few hundred so a cut stream has some."""
    metadata = dbn.Metadata(
        dataset=query["dataset"],
        start=int(query["start"]),
        end=int(query["end"]),
        stype_in=dbn.SType(query["stype_in"]),
        stype_out=dbn.SType("instrument_id"),
        schema=dbn.Schema(query["schema"]),
        symbols=query["symbols"].split(","),
        version=3,
    )
    compressor = zstandard.ZstdCompressor().compressobj()
    data = compressor.compress(metadata.encode())
    for at in range(0, len(rows), 300):
        data += compressor.compress(rows[at : at + 300].tobytes()) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return data + compressor.flush()

"""Ports of loopback that a server of a test may leave and take again."""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from typing import Final

LOWEST: Final = 15_000
HIGHEST: Final = 30_000
"""Below the range from which Linux, macOS and Windows choose ports for clients and for port 0."""


def _candidates() -> Iterator[int]:
    """Yield ports of this process's own share: no other worker of the same run probes one while its server is down."""
    share = (HIGHEST - LOWEST) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    lowest = LOWEST + share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = random.Random(os.getpid()).randrange(share)
    for number in itertools.count(first):
        yield lowest + number % share


_ports: Final = _candidates()


def lasting_port() -> int:
    """Return a port that is free, and that the system gives to no other socket while its server is down.

    A port from `bind(("", 0))` may belong to another test's connection by the time its server listens again.
    """
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the candidates never end")

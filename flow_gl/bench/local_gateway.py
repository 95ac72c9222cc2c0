"""The local gateway, for the benchmarks that need one. It is the tests', and comes with the source only."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent.parent


class Gateway(Protocol):
    """A gateway in a process of its own, told what to do."""

    port: int

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Give a command and wait until it is done."""

    def kill(self) -> None:
        """End it at once."""


class Contract(Protocol):
    """What it trades."""

    instrument_id: int
    symbol: str
    requested: str


class LocalGateway:
    """The gateway's parts, found in the source.

    Raises
    ------
    UsageError : this is an installed package, without tests
    """

    def __init__(self) -> None:
        if not (ROOT / "tests" / "gateway" / "process.py").is_file():
            raise UsageError(f"the local gateway belongs to the tests: run this from the source, not from {ROOT}")
        if str(ROOT) not in sys.path:
            sys.path.append(str(ROOT))
        self._tape = import_module("tests.gateway.tape")
        self._process = import_module("tests.gateway.process")

    @property
    def key(self) -> str:
        return str(self._tape.KEY)

    @property
    def dataset(self) -> str:
        return str(self._tape.DATASET)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """The contracts that continuous symbols mean at first, NQ and ES."""
        return (self._tape.NQ, self._tape.ES)

    @property
    def tick(self) -> int:
        """Tick size of all of them, 1e-9."""
        return int(self._tape.TICK)

    def tape(self, **options: Any) -> NDArray[np.void]:
        """What the gateway's market trades: dtype TRADE. Options as for `start`."""
        rows: NDArray[np.void] = self._tape.make_tape(**options)
        return rows

    def start(self, *, published: int, **options: Any) -> Gateway:
        """Start one, of whose tape so many trades have happened."""
        gateway: Gateway = self._process.GatewayProcess(published=published, **options)
        return gateway

"""The local gateway of the tests, for the benchmarks that need one."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tests.gateway import process, tape
from tests.gateway.tape import Contract


class Gateway(Protocol):
    """A gateway in a process of its own, controlled by commands."""

    port: int

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait until it is done."""

    def kill(self) -> None:
        """Kill the process."""


class LocalGateway:
    """The gateway's market, and how to start a gateway."""

    @property
    def key(self) -> str:
        """The API key that it accepts."""
        return str(tape.KEY)

    @property
    def dataset(self) -> str:
        """The dataset that it serves."""
        return str(tape.DATASET)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """The contracts that its continuous symbols map to at first, NQ and ES."""
        return (tape.NQ, tape.ES)

    @property
    def tick(self) -> int:
        """Tick size of all contracts, 1e-9."""
        return int(tape.TICK)

    def tape(self, **options: Any) -> NDArray[np.void]:
        """Make the trades of its market (dtype TRADE). Options as for `start`."""
        rows: NDArray[np.void] = tape.make_tape(**options)
        return rows

    def start(self, *, published: int, **options: Any) -> Gateway:
        """Start a gateway that has already published the first `published` trades of its tape."""
        gateway: Gateway = process.GatewayProcess(published=published, **options)
        return gateway

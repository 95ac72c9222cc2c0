"""The gateway of the tests of one live feed: a process for each module, a fresh session for each test."""

from collections.abc import Iterator

import pytest

from tests.gateway.process import GatewayProcess

COUNT = 4000
"""Trades of its tape."""


@pytest.fixture(scope="module")
def process() -> Iterator[GatewayProcess]:
    process = GatewayProcess(count=COUNT)
    yield process
    process.close()


@pytest.fixture
def gateway(process: GatewayProcess, request: pytest.FixtureRequest) -> GatewayProcess:
    """Begin a session in which as many trades are published as the test's module says: its `PUBLISHED`."""
    process("fresh", published=request.module.PUBLISHED)
    return process

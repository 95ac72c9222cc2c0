"""Logging in at a real NATS server: what is sent, what is refused, and what is said about it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flow_gl.core.bus_address import parse_bus
from flow_gl.core.errors import FeedError
from flow_gl.core.spec import BusServers
from flow_gl.services.bus.connect import BusLoginError, connect
from tests.kit.certificates import make_certificate
from tests.kit.nats import NatsServer, nats_server
from tests.kit.nats_keys import make_credentials, make_nkey
from tests.kit.ports import lasting_port
from tests.kit.waiting import until

PASSWORD = "a@b,c:d secret"


@dataclass
class Secured:
    """A server that wants a login."""

    server: NatsServer
    ca: Path | None = None

    def attempt(self, address: str, login: str | None = None, **more: Any) -> None:
        """Connect and leave. Raises FeedError."""
        found = parse_bus(address)
        own = found.login.get_secret_value() if found.login else ""

        async def run() -> None:
            async def closed() -> None: ...

            spec = BusServers(found.servers, ca=str(self.ca) if self.ca else None, **more)
            client = await connect(spec, own if login is None else login, name="test", closed=closed)
            await client.jetstream().account_info()
            await client.close()

        asyncio.run(run())


@pytest.fixture(scope="module")
def with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    yield from _secured(tmp_path_factory, {"authorization": {"user": "trader", "password": PASSWORD}})


@pytest.fixture(scope="module")
def with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = make_certificate(tmp_path_factory.mktemp("certificate"), days=2)
    more = {"authorization": {"token": "t0ken"}, "tls": {"cert_file": str(made.cert), "key_file": str(made.key)}}
    yield from _secured(tmp_path_factory, more, made.cert)


def _secured(factory: pytest.TempPathFactory, more: dict[str, Any], ca: Path | None = None) -> Iterator[Secured]:
    with nats_server(factory.mktemp("nats"), is_started=False) as server:
        server.more = more
        server.start()
        until(server.is_ready, server.log, pause_s=0.05)
        yield Secured(server, ca)


def test_the_right_login_is_accepted_from_an_address_or_by_itself(with_password: Secured) -> None:
    host = with_password.server.url.removeprefix("nats://")
    with_password.attempt(f"nats://trader:a%40b,c:d%20secret@{host}")
    with_password.attempt(f"nats://{host}", "trader:a%40b%2Cc:d secret")


@pytest.mark.parametrize(("login", "said"), [("trader:wr0ng-one", "give another login"), ("", "FLOW_GL_BUS_LOGIN")])
def test_a_wrong_login_is_final_and_not_repeated_in_the_message(with_password: Secured, login: str, said: str) -> None:
    with pytest.raises(BusLoginError, match=said) as raised:
        with_password.attempt(with_password.server.url, login)
    assert "wr0ng" not in str(raised.value)
    assert raised.value.exit_code == 4


def test_a_login_for_a_bus_with_tls_is_not_sent_without_it(with_password: Secured) -> None:
    host = with_password.server.url.removeprefix("nats://")
    before = len(with_password.server.log())
    with pytest.raises(BusLoginError, match="the bus does not use TLS"):
        with_password.attempt(f"tls://trader:whatever@{host}")
    assert "authentication error" not in with_password.server.log()[before:]  # nothing was sent to be refused


def test_a_certificate_is_verified(with_tls: Secured) -> None:
    host = with_tls.server.url.removeprefix("nats://").replace("127.0.0.1", "localhost")
    with_tls.attempt(f"tls://t0ken@{host}")
    with pytest.raises(FeedError, match="certificate"):
        Secured(with_tls.server).attempt(f"tls://t0ken@{host}")


def test_no_server_is_a_reason_and_not_final() -> None:
    with pytest.raises(FeedError, match="no connection: Connection refused") as raised:
        Secured(None).attempt(f"nats://127.0.0.1:{lasting_port()}")  # type: ignore[arg-type]
    assert not isinstance(raised.value, BusLoginError)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("no credentials", "neither a NATS credentials file")]
)
def test_a_credentials_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "bus.creds"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BusLoginError, match=said):
        Secured(None).attempt("nats://127.0.0.1:1", creds=str(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [make_nkey, make_credentials])
def test_an_nkey_and_a_credentials_file_are_logins(
    make: Callable[[Path], dict[str, Any]], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    make(other)
    for secured in _secured(tmp_path_factory, make(own)):
        secured.attempt(secured.server.url, creds=str(own))
        with pytest.raises(BusLoginError, match="give another login"):
            secured.attempt(secured.server.url, creds=str(other))
        with pytest.raises(BusLoginError, match="--bus-creds"):
            secured.attempt(secured.server.url)

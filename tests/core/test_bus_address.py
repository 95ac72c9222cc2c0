"""The address of a bus: servers and login apart, and no login in any message."""

import pytest

from flow_gl.core import log
from flow_gl.core.bus_address import is_bus, joined, parse_bus, shown, split_login
from flow_gl.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nats://127.0.0.1:4222", ["nats://127.0.0.1:4222"]),
        ("nats://one,two:5222", ["nats://one:4222", "nats://two:5222"]),
        ("nats://one:4222,nats://two:4222/", ["nats://one:4222", "nats://two:4222"]),
        ("tls://[::1]:4222, desk.example", ["tls://[::1]:4222", "tls://desk.example:4222"]),
        ("NATS://One:1,one:1", ["nats://one:1"]),
    ],
)
def test_an_address_names_its_servers(text: str, servers: list[str]) -> None:
    found = parse_bus(text)
    assert list(found.servers) == servers
    assert found.login is None
    assert is_bus(text)
    assert parse_bus(joined(found.servers)) == found


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("nats://me:s,cr%40t@one:1,two:2", {"user": "me", "password": "s,cr@t"}),
        ("nats://t0ken@one:1", {"token": "t0ken"}),
        ("tls://me:@one:1", {"user": "me", "password": ""}),
    ],
)
def test_a_login_is_kept_apart(text: str, options: dict[str, str]) -> None:
    found = parse_bus(text)
    assert found.login is not None
    assert split_login(found.login.get_secret_value()) == options
    assert "@" not in found.shown
    assert "****" in repr(found)
    assert all(value not in repr(found) for value in options.values() if value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nats://",
        "nats:one:1",
        "one:4222",
        "http://one:1",
        "nats://one:0",
        "nats://one:70000",
        "nats://one:x",
        "nats://one,,two",
        "nats://one/path",
        "nats://one?a=b",
        "nats://one two",
        "nats://one:1,tls://two:2",
        "nats://me:secret@",
        "nats://me:secret@one:x",
        "nats://me:secret@one:1,me:secret@two:2",
        "nats://me:secret@one:1,nats://me:secret@two:2",
    ],
)
def test_any_other_text_is_refused_in_one_line_that_shows_no_login(text: str) -> None:
    with pytest.raises(UsageError, match="expected") as raised:
        parse_bus(text)
    said = str(raised.value)
    assert "secret" not in said
    assert "\n" not in said


def test_a_login_is_masked_wherever_an_address_is_shown() -> None:
    assert shown("nats://me:secret@one:1") == "nats://****@one:1"
    assert shown("me:secret@one:1") == "****@one:1"
    assert shown("nats://one:1") == "nats://one:1"


def test_a_protected_login_is_masked_as_a_whole_and_in_part() -> None:
    log.protect_login("trader:a%20long-pass-phrase")
    assert log.masked("trader:a%20long-pass-phrase was refused") == "**** was refused"
    assert log.masked("wrong: a long-pass-phrase") == "wrong: ****"

"""Limits per client and per address, and the texts of refusals."""

from pathlib import Path

import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import UsageError
from flow_gl.core.units import SECOND_NS
from flow_gl.server.security import token_file
from flow_gl.server.security.admission import PATIENCE, Admission, ClientGuard, Refusal, address_key
from flow_gl.server.security.limits import PRUNE_NS, Limits, RateLimits, Windows, describe_limits, parse_limits
from flow_gl.server.security.origins import Origins
from flow_gl.server.security.tokens import Identity, Tokens

HERE = "127.0.0.1"


def admission(*limits: str, tokens: Tokens | None = None, clock: ManualClock | None = None) -> Admission:
    return Admission(
        tokens=tokens,
        limits=parse_limits(limits),
        origins=Origins(is_local_only=True),
        clock=clock or ManualClock(),
    )


def opened(at: Admission, address: str = HERE) -> ClientGuard:
    found = at.open(address)
    assert isinstance(found, ClientGuard)
    return found


def refusal(found: object) -> Refusal:
    assert isinstance(found, Refusal)
    assert found.text
    assert found.advice
    return found


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Tokens, str]:
    path = tmp_path / "tokens.json"
    token = token_file.create(path, name="desk", scopes=("read",), wall_ns=0)
    return Tokens(path), token


def test_limits_are_set_by_name() -> None:
    chosen = parse_limits(["connections=5000", "address-messages = 10/5 seconds"])
    assert (chosen.connections, chosen.address_messages) == (5000, "10/5 seconds")
    assert chosen.snapshots == Limits().snapshots
    assert all(meaning for _, _, meaning in describe_limits())


@pytest.mark.parametrize(
    "text",
    [
        *("", "connections", "connections=", "connections=0", "connections=-1", "connections=1e3", "messages=5", "x=1"),
        *("messages=0/minute", "messages=five/minute", "messages=99999999999/minute", "connections=99999999999"),
    ],
)
def test_a_wrong_limit_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--limit") as caught:
        parse_limits([text])
    assert "\n" not in str(caught.value)


def test_a_window_ends_and_what_is_over_takes_no_memory() -> None:
    clock = ManualClock()
    rates = RateLimits(parse_limits(["messages=3/10 seconds"]), clock=clock)
    assert [rates.hit("messages", "a") for _ in range(4)] == [True, True, True, False]
    assert rates.hit("messages", "b")
    assert rates.wait_s("messages", "a") == 10
    clock.advance(4 * SECOND_NS)
    assert rates.wait_s("messages", "a") == 6
    clock.advance(6 * SECOND_NS)
    assert rates.hit("messages", "a")
    windows = Windows(clock)
    for number in range(1000):
        windows.incr(str(number), 5)
    clock.advance(PRUNE_NS)
    windows.incr("new", 5)
    assert windows.reset() == 1


def test_one_address_does_not_use_up_what_others_may() -> None:
    at = admission("address-connections=2", "connections=3")
    first, _second = opened(at), opened(at)
    found = refusal(at.open(HERE))
    assert (found.status, found.code) == (503, "too_many_connections")
    assert "this address has 2" in found.text
    opened(at, "10.0.0.1")
    assert "this server has 3" in refusal(at.open("10.0.0.2")).text
    first.close()
    first.close()
    assert at.connections == 2
    opened(at)
    assert at.counts.refused == 2


def test_an_ipv6_subscriber_is_one_address() -> None:
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2:ffff::9") != address_key("2001:db8:1:3::")
    assert address_key("::ffff:10.0.0.1") == address_key("10.0.0.1") == "10.0.0.1"
    assert address_key("fe80::1%eth0") == "fe80::/64"
    assert address_key("unix") == "unix"


def test_new_connections_messages_and_snapshots_have_rates_of_their_own() -> None:
    clock = ManualClock()
    at = admission("new-connections=2/minute", "messages=3/minute", "address-snapshots=4/minute", clock=clock)
    one, other = opened(at), opened(at)
    found = refusal(at.open(HERE))
    assert (found.status, found.code, found.retry_s) == (429, "rate_limited", 60)
    assert "too many new connections from this address (2 per 1 minute)" in found.text
    assert [one.message(10) is None for _ in range(4)] == [True, True, True, False]
    assert other.message(10) is None
    assert one.snapshot(3) is None
    assert "from this address" in refusal(other.snapshot(2)).text
    assert at.counts.rate_limited == 3
    clock.advance(60 * SECOND_NS)
    assert one.message(10) is None
    opened(at)


def test_a_client_that_continues_after_its_refusals_is_disconnected() -> None:
    client = opened(admission("messages=1/minute"))
    assert client.message(1) is None
    answers = [refusal(client.message(1)).closes for _ in range(PATIENCE + 1)]
    assert answers == [False] * PATIENCE + [True]


def test_sizes_and_numbers_are_limited() -> None:
    client = opened(admission("message-bytes=100", "subscriptions=2"))
    assert client.message(100) is None
    assert refusal(client.message(101)).text == "a message has 100 bytes at most, got 101"
    assert client.subscriptions(2) is None
    assert not refusal(client.subscriptions(3)).closes


def test_without_tokens_all_are_admitted_and_with_tokens_only_their_holders(tokens: tuple[Tokens, str]) -> None:
    assert opened(admission()).may("control") is None
    at = admission(tokens=tokens[0])
    client = opened(at)
    assert refusal(client.may("read")).status == 401
    assert client.authenticate(tokens[1]) is None
    assert client.may("read") is None
    denied = refusal(client.may("control"))
    assert (denied.status, denied.closes) == (403, False)
    assert "--scopes control" in denied.advice
    assert client.is_still_valid()


def test_wrong_tokens_are_counted_and_then_not_even_looked_at(tokens: tuple[Tokens, str]) -> None:
    at = admission("failures=3/minute", tokens=tokens[0])
    for _ in range(3):
        assert refusal(at.authenticate("wrong", address=HERE)).status == 401
    found = refusal(at.authenticate(tokens[1], address=HERE))
    assert (found.status, found.code) == (429, "rate_limited")
    assert isinstance(at.authenticate(tokens[1], address="10.0.0.1"), Identity)
    assert (at.counts.auth_failures, at.counts.rate_limited) == (3, 1)


def test_a_token_comes_in_the_header_and_never_in_the_url(tokens: tuple[Tokens, str]) -> None:
    at = admission(tokens=tokens[0])
    assert at.identify({}, address=HERE) is None
    assert isinstance(at.identify({"Authorization": f"bearer {tokens[1]}"}, address=HERE), Identity)
    for wrong in ("Bearer", f"Basic {tokens[1]}", tokens[1], "Bearer x"):
        assert refusal(at.identify({"Authorization": wrong}, address=HERE)).status == 401
    host = {"Host": "localhost"}
    assert at.check_request(host, address=HERE, query="symbol=NQ", scheme="http") is None
    for query in (f"token={tokens[1]}", f"a=1&Access_Token={tokens[1]}", "key"):
        found = refusal(at.check_request(host, address=HERE, query=query, scheme="http"))
        assert (found.status, tokens[1] in found.text + found.advice) == (400, False)
    foreign = refusal(
        at.check_request({**host, "Origin": "https://evil.example"}, address=HERE, query="", scheme="http")
    )
    assert (foreign.status, foreign.code) == (403, "origin")


def test_requests_have_a_rate_of_their_own() -> None:
    at = admission("requests=2/minute")

    def asked(address: str) -> Refusal | None:
        return at.check_request({"Host": "localhost"}, address=address, query="", scheme="http")

    assert asked(HERE) is asked(HERE) is None
    assert refusal(asked(HERE)).status == 429
    assert asked("10.0.0.1") is None

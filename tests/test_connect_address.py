"""The address of a server, as `flow-gl connect` takes it."""

import pytest

from flow_gl.cli.connect import server_address
from flow_gl.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("ws://[::1]:8080/", "ws://[::1]:8080/ws"),
        ("wss://desk.example:8443/flow/ws", "wss://desk.example:8443/flow/ws"),
        ("wss://desk.example", "wss://desk.example/ws"),
    ],
)
def test_an_address_leads_to_the_servers_websocket(text: str, address: str) -> None:
    assert server_address(text, has_token=True, may_be_plain=False) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("127.0.0.1:8080", "expected an address like ws://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "expected an address like"),
        ("ws://", "expected an address like"),
        ("ws://host:0", "expected an address like"),
        ("ws://host:70000", "expected an address like"),
        ("ws://me:secret@host:1", "give a token with FLOW_GL_TOKEN"),
        ("ws://host:1/ws?token=abc", "give a token with FLOW_GL_TOKEN"),
    ],
)
def test_any_other_text_is_refused_in_one_line_that_shows_no_secret(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        server_address(text, has_token=False, may_be_plain=False)
    assert "secret" not in str(raised.value)
    assert "abc" not in str(raised.value)


def test_a_token_leaves_the_machine_encrypted_unless_the_user_insists() -> None:
    address = "ws://desk.example:8080"
    with pytest.raises(UsageError, match="unencrypted"):
        server_address(address, has_token=True, may_be_plain=False)
    assert server_address(address, has_token=True, may_be_plain=True) == f"{address}/ws"
    assert server_address(address, has_token=False, may_be_plain=False) == f"{address}/ws"
    assert server_address("ws://localhost:1", has_token=True, may_be_plain=False) == "ws://localhost:1/ws"

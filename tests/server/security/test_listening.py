"""Where a server listens, with which certificate, and which web pages may connect."""

import ssl
import subprocess
from pathlib import Path

import pytest

from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import DataError, UsageError
from flow_gl.server.security.binding import check_binding, is_loopback
from flow_gl.server.security.origins import Origins, parse_origin
from flow_gl.server.security.tls import LOOK_NS, Certificate
from tests.kit.certificates import make_certificate


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost", "::ffff:127.0.0.1"]
)
def test_this_machine_alone(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, has_tokens=False, has_tls=False, is_insecure=False)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "192.168.1.4", "localhost.example.com", "desk", "127.0.0.1.evil.com", "::ffff:1.2.3.4"],
)
def test_what_others_reach_needs_tokens_and_tls(host: str) -> None:
    for has_tokens, has_tls, lack in ((False, False, "no tokens"), (True, False, "no TLS"), (False, True, "no tokens")):
        with pytest.raises(UsageError, match=lack) as caught:
            check_binding(host, has_tokens=has_tokens, has_tls=has_tls, is_insecure=False)
        assert "--insecure" in str(caught.value)
        check_binding(host, has_tokens=has_tokens, has_tls=has_tls, is_insecure=True)
    check_binding(host, has_tokens=True, has_tls=True, is_insecure=False)


def test_a_valid_certificate_serves_and_its_expiry_is_reported(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, days=30)
    found = Certificate(made.cert, made.key)
    assert 29 * 86_400 < found.expires_ns / 1e9 - made.began_s < 31 * 86_400
    assert found.context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(tmp_path: Path) -> None:
    clock = ManualClock()
    made = make_certificate(tmp_path, days=30)
    found = Certificate(made.cert, made.key, clock=clock)
    first = found.expires_ns
    made.cert.write_text("rubbish")
    clock.advance(LOOK_NS)
    found.refresh()
    assert found.expires_ns == first
    make_certificate(tmp_path, days=60)
    clock.advance(LOOK_NS)
    found.refresh()
    assert found.expires_ns > first + 29 * 86_400 * 10**9


def test_every_fault_of_a_certificate_is_one_line(tmp_path: Path) -> None:
    good = make_certificate(tmp_path / "good", days=30)
    other = make_certificate(tmp_path / "other", days=30)
    old = make_certificate(tmp_path / "old", days=30, ago_days=60)
    rubbish, locked = tmp_path / "rubbish.pem", tmp_path / "locked.pem"
    rubbish.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    subprocess.run(
        ["openssl", "pkey", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    for chain, key, expected in (
        (tmp_path / "none.pem", good.key, "none.pem: cannot be read: No such file"),
        (good.cert, tmp_path / "none.pem", "--tls-key .*none.pem: cannot be read"),
        (tmp_path, good.key, "cannot be read: Is a directory"),
        (good.cert, other.key, "this is not the key of the certificate"),
        (rubbish, good.key, "expected a certificate and its private key in PEM"),
        (good.cert, rubbish, "--tls-key .*rubbish.pem: expected a private key in PEM, found none"),
        (good.key, good.key, "--tls-cert .*: expected a certificate in PEM, found none"),
        (good.cert, locked, "the key is encrypted"),
        (old.cert, old.key, "the certificate has expired"),
    ):
        with pytest.raises(DataError, match=expected) as caught:
            Certificate(chain, key)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["http://LocalHost:8080/", "https://chart.example.com", "https://[::1]:8443"])
def test_origins_as_browsers_write_them(text: str) -> None:
    assert parse_origin(text) == text.lower().rstrip("/")


@pytest.mark.parametrize(
    "text", ["", "null", "chart.example.com", "ftp://x", "http://x/y", "http://u@x", "http://x:99999"]
)
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(UsageError, match="--origin: expected an origin like"):
        parse_origin(text)


def test_pages_of_others_and_names_of_others_are_refused() -> None:
    local = Origins(is_local_only=True)

    def refused(origin: str | None, host: str, scheme: str = "http", origins: Origins = local) -> bool:
        return bool(origins.refusal(origin=origin, host=host, scheme=scheme))

    assert not refused(None, "127.0.0.1:8080")
    assert not refused("http://localhost:8080", "localhost:8080")
    assert not refused("http://[::1]:8080", "[::1]:8080")
    assert refused("http://localhost:9090", "localhost:8080")
    assert refused("https://evil.example", "localhost:8080")
    assert refused("null", "localhost:8080")
    # A foreign name that resolves to 127.0.0.1.
    assert refused("http://evil.example:8080", "evil.example:8080")
    assert refused(None, "evil.example:8080")
    assert refused(None, "")
    public = Origins(["https://desk.example"], is_local_only=False)
    assert not refused("https://desk.example", "10.0.0.1:8080", origins=public)
    assert not refused("https://chart.example", "chart.example", "http", public)  # behind a proxy that ends TLS
    assert refused("http://chart.example", "chart.example", "https", public)
    assert not refused("https://chart.example", "chart.example:443", "https", public)

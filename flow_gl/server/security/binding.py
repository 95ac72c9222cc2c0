"""The rule for the address that a server listens on: other machines may reach it only with tokens and TLS."""

import ipaddress

from flow_gl.core.errors import UsageError


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached only from this machine. Among names, only localhost qualifies."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def check_binding(host: str, *, has_tokens: bool, has_tls: bool, is_insecure: bool) -> None:
    """Refuse an unprotected address that other machines can reach. Raises UsageError."""
    if is_insecure or is_loopback(host) or (has_tokens and has_tls):
        return
    lacks = []
    if not has_tokens:
        lacks.append("tokens (flow-gl token create NAME)")
    if not has_tls:
        lacks.append("TLS (--tls-cert and --tls-key)")
    raise UsageError(
        f"--host {host}: other machines reach this address, and there are no {' and no '.join(lacks)};"
        " add them, use --host 127.0.0.1, or use --insecure"
    )

"""Keys and credentials of NATS, made without its tool nsc: an nkey, and an operator with one account and one user."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any, Final

import nkeys

_HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
_UNLIMITED: Final = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
_JETSTREAM: Final = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)


class Key:
    """A key pair of a kind: `PREFIX_BYTE_OPERATOR`, `_ACCOUNT` or `_USER`."""

    def __init__(self, kind: int) -> None:
        self.seed: Final = nkeys.encode_seed(os.urandom(32), kind).decode()
        self._pair: Final = nkeys.from_seed(bytearray(self.seed.encode()))
        self.public: Final = self._pair.public_key.decode()

    def issue(self, subject: "Key", name: str, claims: dict[str, Any]) -> str:
        """Return a token about a subject, signed with this key."""
        body = {"jti": name, "iat": int(time.time()), "iss": self.public, "name": name, "sub": subject.public}
        text = f"{_part(_HEADER)}.{_part(body | {'nats': {'version': 2} | claims})}"
        return f"{text}.{_text(self._pair.sign(text.encode()))}"


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def make_nkey(path: Path) -> dict[str, Any]:
    """Write the seed of a user; return a server's configuration that lets only this user in."""
    user = Key(nkeys.PREFIX_BYTE_USER)
    path.write_text(f"{user.seed}\n")
    return {"authorization": {"users": [{"nkey": user.public}]}}


def make_credentials(path: Path) -> dict[str, Any]:
    """Write the credentials of a user; return a server's configuration that lets in users of the same operator."""
    operator, user = Key(nkeys.PREFIX_BYTE_OPERATOR), Key(nkeys.PREFIX_BYTE_USER)
    system, desk = Key(nkeys.PREFIX_BYTE_ACCOUNT), Key(nkeys.PREFIX_BYTE_ACCOUNT)
    token = desk.issue(user, "trader", {"type": "user", "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}})
    path.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    return {
        "operator": operator.issue(operator, "desk", {"type": "operator", "system_account": system.public}),
        "system_account": system.public,
        "resolver": "MEMORY",
        "resolver_preload": {
            system.public: operator.issue(system, "SYS", {"type": "account", "limits": _UNLIMITED}),
            desk.public: operator.issue(desk, "charts", {"type": "account", "limits": _UNLIMITED | _JETSTREAM}),
        },
    }

"""Access tokens: what is stored, who may read it, and how a running server handles a change."""

import os
import stat
from pathlib import Path

import pytest

from flow_gl.cli.main import run
from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import DataError, FlowError, UsageError
from flow_gl.core.log import masked
from flow_gl.core.units import SECOND_NS
from flow_gl.server.security import token_file
from flow_gl.server.security.tokens import LOOK_NS, Tokens

NOW = 1_764_288_000 * SECOND_NS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "tokens.json"


def made(path: Path, name: str = "desk", **more: object) -> str:
    return token_file.create(path, name=name, **{"scopes": ("read",), "wall_ns": NOW, **more})  # type: ignore[arg-type]


def test_a_token_is_random_and_only_its_hash_is_stored(path: Path) -> None:
    one, other = made(path), made(path, "laptop")
    assert one != other
    assert len(one) == len(token_file.PREFIX) + 43  # 256 bits in base64
    text = path.read_text()
    assert one not in text
    assert one.removeprefix(token_file.PREFIX)[:20] not in text
    assert token_file.digest(one) in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        made(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_in_one_line(path: Path, mode: int) -> None:
    made(path)
    path.chmod(mode)
    with pytest.raises(UsageError, match=rf"other users can read the tokens \(mode {mode:03o}\): run chmod 600"):
        Tokens(path)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2, "tokens": []}',
        b'{"version": 1, "tokens": [], "more": 1}',
        b'{"version": 1, "tokens": [{"name": "a"}]}',
        b"\xff" * 100,
        b" " * (1 << 20) + b"{}",
    ],
)
def test_a_damaged_file_is_refused_in_one_line(path: Path, damage: bytes) -> None:
    made(path)
    path.write_bytes(damage)
    with pytest.raises(DataError, match="the token file is damaged") as caught:
        Tokens(path)
    assert "\n" not in str(caught.value)


def test_one_name_twice_is_damage(path: Path) -> None:
    made(path)
    made(path, "other")
    path.write_text(path.read_text().replace('"other"', '"desk"'))
    with pytest.raises(DataError, match="a name occurs twice"):
        Tokens(path)


def test_a_token_is_known_with_its_scopes_until_it_expires(path: Path) -> None:
    clock = ManualClock(NOW)
    token = made(path, scopes=("read", "control"), expires_ns=NOW + 60 * SECOND_NS)
    tokens = Tokens(path, clock=clock)
    identity = tokens.check(token)
    assert identity is not None
    assert (identity.name, identity.may("control"), identity.may("metrics")) == ("desk", True, False)
    assert tokens.is_valid(identity)
    clock.advance(60 * SECOND_NS)
    assert tokens.check(token) is None
    assert not tokens.is_valid(identity)


@pytest.mark.parametrize(
    "wrong", ["", "x", "flowgltoken_", "flowgltoken_" + "A" * 43, "é" * 50, "\ud800", "A" * 100_000]
)
def test_any_other_text_is_no_token(path: Path, wrong: str) -> None:
    made(path)
    assert Tokens(path).check(wrong) is None


def test_the_hash_of_a_token_is_no_token(path: Path) -> None:
    token = made(path)
    assert Tokens(path).check(token_file.digest(token)) is None


def test_a_running_server_sees_new_and_revoked_tokens(path: Path) -> None:
    clock = ManualClock(NOW)
    first = made(path)
    tokens = Tokens(path, clock=clock)
    identity = tokens.check(first)
    assert identity is not None
    second = made(path, "laptop")
    token_file.revoke(path, "desk")
    clock.advance(LOOK_NS)
    assert tokens.check(first) is None
    assert not tokens.is_valid(identity)
    assert tokens.check(second) is not None


def test_while_the_file_is_damaged_new_clients_are_refused_and_connected_ones_stay(path: Path) -> None:
    clock = ManualClock(NOW)
    token = made(path)
    tokens = Tokens(path, clock=clock)
    identity = tokens.check(token)
    assert identity is not None
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    clock.advance(LOOK_NS)
    assert tokens.check(token) is None
    assert "damaged" in tokens.problem
    assert tokens.is_valid(identity)
    path.write_bytes(whole)
    clock.advance(LOOK_NS)
    assert tokens.check(token) == identity
    assert tokens.problem == ""


def test_a_failed_write_changes_nothing_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    before = path.read_bytes()

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FlowError, match="No space left on device"):
        made(path, "laptop")
    assert path.read_bytes() == before
    assert {entry.name for entry in path.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}


def test_a_log_never_shows_a_token(path: Path) -> None:
    token = made(path)
    assert masked(f"connect --token {token}") == f"connect --token ****{token[-5:]}"


def said(capsys: pytest.CaptureFixture[str], line: str, path: Path) -> tuple[int, str, str]:
    code = run([*line.split(), "--tokens", str(path)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_commands_create_list_and_revoke(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "token create desk --scopes control,read --expires 30d", path)
    token = out.strip()
    assert (code, Tokens(path).check(token) is not None) == (0, True)
    assert token not in err
    assert "desk (read, control), valid until" in err
    code, out, _ = said(capsys, "token list", path)
    assert code == 0
    assert "desk" in out
    assert f"****{token[-5:]}" in out
    assert token not in out
    assert said(capsys, "token revoke desk", path)[0] == 0
    assert Tokens(path).check(token) is None
    assert said(capsys, "token list", path)[1] == "There are no tokens.\n"


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("token create a/b", 2, "expected a name of letters, digits"),
        ("token create -- --x", 2, "expected a name"),
        ("token create desk", 2, "there is a token desk already"),
        ("token create other --scopes all", 2, "--scopes: expected some of read, control, metrics, got 'all'"),
        ("token create other --expires soon", 2, "--expires: expected a number with its unit"),
        ("token create other --expires 99999d", 2, "--expires: expected"),
        ("token revoke nobody", 2, "there is no token nobody; known tokens: desk"),
        ("token rename desk", 2, "No such command 'rename'"),
    ],
)
def test_a_wrong_line_is_one_line_and_changes_nothing(
    line: str, code: int, expected: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(path)
    before = path.read_bytes()
    head, _, rest = line.partition(" -- ")
    arguments = [*head.split(), "--tokens", str(path), *(["--", rest] if rest else [])]
    found = run(arguments)
    out, err = capsys.readouterr()
    assert (found, out) == (code, "")
    assert expected in err
    assert err.count("\n") == 1
    assert path.read_bytes() == before

"""`flow-gl serve` with something that cannot be used: one line that says what and where, and a documented exit code.

No engine and no worker may have been started: everything is checked before.
"""

from pathlib import Path

import pytest

from flow_gl.cli import served
from flow_gl.cli.main import run
from flow_gl.server.security import token_file
from tests.kit.certificates import make_certificate


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        pytest.fail("a worker was started")

    monkeypatch.setattr(served, "Workers", fail)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = run(["serve", "demo", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("flow-gl: error: ")
    assert err.count("\n") == 1
    return code, err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--host 0.0.0.0", "there are no tokens (flow-gl token create NAME) and no TLS"),
        ("--host ::", "or use --insecure"),
        ("--tls-cert x.pem", "--tls-cert and --tls-key belong together"),
        ("--limit speed=1", "--limit: expected NAME=VALUE with one of connections"),
        ("--limit messages=many", "expected a rate like 60/minute"),
        ("--origin chart.example.com", "--origin: expected an origin like https://chart.example.com"),
        ("--port 70000", "--port"),
        ("--workers 0", "--workers"),
    ],
)
def test_a_flag_that_makes_no_sense_is_exit_code_2(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = refused(capsys, *line.split())
    assert (code, expected in err) == (2, True), err


def test_a_token_file_that_cannot_be_used_is_named_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokens.json"
    code, err = refused(capsys, "--tokens", path)
    assert (code, f"{path}: there is no such file" in err) == (3, True), err
    token_file.create(path, name="desk", scopes=("read",), wall_ns=0)
    path.chmod(0o644)
    code, err = refused(capsys, "--tokens", path)
    assert (code, f"run chmod 600 {path}" in err) == (2, True), err
    path.chmod(0o600)
    path.write_text(path.read_text()[:-30])
    code, err = refused(capsys, "--tokens", path)
    assert (code, f"{path}: the token file is damaged" in err) == (3, True), err


def test_a_certificate_that_cannot_be_used_is_named_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, other = (make_certificate(tmp_path / name, days=30) for name in ("good", "other"))
    old = make_certificate(tmp_path / "old", days=30, ago_days=60)
    for chain, key, expected in (
        (tmp_path / "none.pem", good.key, f"--tls-cert {tmp_path / 'none.pem'}: cannot be read"),
        (good.cert, other.key, f"--tls-key {other.key}: this is not the key of the certificate {good.cert}"),
        (old.cert, old.key, f"--tls-cert {old.cert}: the certificate has expired"),
    ):
        code, err = refused(capsys, "--tls-cert", chain, "--tls-key", key)
        assert (code, expected in err) == (3, True), err

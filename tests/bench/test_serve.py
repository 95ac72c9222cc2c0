"""The benchmark of the server runs and counts what it claims."""

import json
from pathlib import Path

import pytest

from flow_gl.bench import serve


@pytest.mark.slow
def test_few_clients_get_every_row_and_come_back_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "serve.json"
    figures = serve.run(clients=8, many=0, seconds=0.5, workers=1, engine=False, json_path=path)
    (one,) = figures["rounds"]
    for side in ("", "bare_"):
        assert one[f"{side}holes"] == one[f"{side}refused"] == one[f"{side}lost"] == 0
        assert one[f"{side}rows"] >= 8
        assert 0 < one[f"{side}p50_ms"] <= one[f"{side}p99_ms"] <= one[f"{side}max_ms"]
    assert one["whole_again_s"] > 0
    assert one["wire_ratio"] > 1
    assert json.loads(path.read_text())["rounds"] == figures["rounds"]
    assert "8 clients, 25 rows a second" in capsys.readouterr().out

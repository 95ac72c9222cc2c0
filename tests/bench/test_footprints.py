"""The benchmark of footprints measures what it says, on a session small enough for a test."""

from flow_gl.bench import footprints


def test_the_figures_are_of_the_session_that_was_made(capsys):
    found = footprints.run(trades=20_000, rounds=1, ranges=20)
    assert "session_answer_ms" in capsys.readouterr().out
    assert 20_000 <= found["rows"] <= 12 * 20_000
    assert found["memory_mb"] < found["memory_limit_mb"]
    assert found["range_answer_p50_ms"] <= found["range_answer_p99_ms"] <= found["range_answer_max_ms"]
    tape = footprints.busy_session(20_000)
    hours = (int(tape["ts_event"][-1]) - int(tape["ts_event"][0])) / 3.6e12
    assert 22.5 < hours < 23

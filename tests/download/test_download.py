"""Downloads through the real client from a local server: every trade once, whatever fails, and no file is ever lost."""

import io
from collections.abc import Iterator
from pathlib import Path

import databento
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from flow_gl.cli.main import run as main
from flow_gl.core.clock import ManualClock
from flow_gl.core.errors import DataError, FeedError, FlowError, UsageError
from flow_gl.core.items import Trades
from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, HOUR_NS
from flow_gl.download import Request, parse_request, run
from flow_gl.download.command import Downloaded
from flow_gl.feed.files.replay import read_items
from tests.download.server import KEY, Server
from tests.kit.trades import make_tied_trades
from tests.services.days import DAY_START


@pytest.fixture(scope="module")
def trades() -> NDArray[np.void]:
    """Make two days and a part of a third in order of `ts_recv`, with times shared by several trades."""
    rows = np.concatenate(
        [
            make_tied_trades(6000, seed=day, start=DAY_START + day * DAY_NS + HOUR_NS, step_ns=4_000_000_000)
            for day in range(3)
        ]
    )
    rows["ts_recv"] = (rows["ts_recv"] // 10_000_000_000 + 1) * 10_000_000_000
    return rows[np.argsort(rows["ts_recv"], kind="stable")]


@pytest.fixture
def server(trades: NDArray[np.void]) -> Iterator[Server]:
    with Server(trades).running() as server:
        yield server


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return parse_request(["NQ.v.0"], start="2025-11-28", end="2025-11-30", out=tmp_path / "history")


class Said(io.StringIO):
    """Return what the user was shown, as one line."""

    @property
    def words(self) -> str:
        return " ".join(self.getvalue().split())


def download(
    server: Server, request: Request, *, said: Said | None = None, key: str = KEY, **options: object
) -> Downloaded:
    console = Console(file=said or io.StringIO(), width=200)
    options = {"is_agreed": True, "clock": ManualClock()} | options
    return run(request, key=key, console=console, historical=server.historical(key), **options)  # type: ignore[arg-type]


def official(path: Path) -> NDArray[np.void]:
    rows = databento.DBNStore.from_bytes(io.BytesIO(path.read_bytes())).to_ndarray()
    return np.frombuffer(rows.tobytes(), TRADE)


def on_day(trades: NDArray[np.void], day: int) -> NDArray[np.void]:
    return trades[trades["ts_recv"] // DAY_NS == DAY_START // DAY_NS + day]


def test_each_day_is_downloaded_completely_into_its_own_file(
    server: Server, request_: Request, trades: NDArray[np.void]
) -> None:
    done = download(server, request_)
    assert [path.name for path in done.paths] == [
        "GLBX.MDP3-NQ.v.0-20251128.trades.dbn.zst",
        "GLBX.MDP3-NQ.v.0-20251129.trades.dbn.zst",
    ]
    for day, path in enumerate(done.paths):
        assert official(path).tobytes() == on_day(trades, day).tobytes()
    assert done.trades == 12_000
    assert sorted(path.name for path in request_.out.iterdir()) == [path.name for path in done.paths]


def test_replaying_the_files_gives_the_history(server: Server, request_: Request, trades: NDArray[np.void]) -> None:
    done = download(server, request_)
    rows = [item.rows for item in read_items(done.paths) if isinstance(item, Trades)]
    assert np.concatenate(rows).tobytes() == trades[trades["ts_recv"] < DAY_START + 2 * DAY_NS].tobytes()


def test_cost_and_size_are_shown_and_answering_no_downloads_nothing(server: Server, request_: Request) -> None:
    said, questions = Said(), []

    def refuse(question: str) -> bool:
        questions.append(question)
        return False

    done = download(server, request_, said=said, is_agreed=False, ask=refuse)
    assert done.is_declined
    assert questions == ["Download for US$ 0.58?"]
    assert "trades 12,000, 0.6 MB uncompressed" in said.words
    assert "cost US$ 0.58" in said.words
    assert "NQ.v.0 (continuous), GLBX.MDP3" in said.words
    assert not server.streams
    assert not request_.out.exists()


def test_without_a_terminal_nothing_is_asked_and_nothing_is_spent(
    server: Server, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="use --yes to download without asking"):
        download(server, request_, is_agreed=False)
    assert not server.streams


def test_existing_files_are_neither_paid_for_nor_downloaded_again(server: Server, request_: Request) -> None:
    download(server, request_)
    before = {path: path.stat().st_mtime_ns for path in request_.out.iterdir()}
    server.asked.clear()
    said = Said()
    done = download(server, request_, said=said)
    assert (done.trades, len(done.paths)) == (0, 2)
    assert server.asked == []
    assert "2 of 2 files already exist" in said.words
    assert {path: path.stat().st_mtime_ns for path in request_.out.iterdir()} == before


@pytest.mark.parametrize("content", [b"something of the user's own", b""])
def test_an_existing_file_is_not_overwritten(server: Server, request_: Request, content: bytes) -> None:
    request_.out.mkdir()
    path = request_.parts()[1].path
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"20251129\.trades\.dbn\.zst: the file exists"):
        download(server, request_)
    assert path.read_bytes() == content
    assert server.asked == []


@pytest.mark.parametrize("breaks", [[20_000], [3_000, 9_000, 2_000, 30], [0, 10]])
def test_an_interrupted_stream_is_resumed_without_losing_or_duplicating_trades(
    server: Server, request_: Request, trades: NDArray[np.void], breaks: list[int]
) -> None:
    server.breaks = list(breaks)
    done = download(server, request_)
    for day, path in enumerate(done.paths):
        assert official(path).tobytes() == on_day(trades, day).tobytes()
    assert len(server.streams) == 2 + len(breaks)
    asked_for = [len(server.select(query)) for query in server.streams[: 1 + len(breaks)]]
    assert asked_for == sorted(asked_for, reverse=True)
    assert (asked_for[-1] < asked_for[0]) == (max(breaks) > 1000)
    assert sorted(request_.out.iterdir()) == done.paths


def test_an_interrupted_run_is_continued_by_the_next(
    server: Server, request_: Request, trades: NDArray[np.void]
) -> None:
    server.breaks = [6_000] * 5
    with pytest.raises(FeedError, match="interrupted"):
        download(server, request_)
    left = len(server.select(server.streams[-1]))
    server.asked.clear()
    done = download(server, request_)
    costs = [query for name, query in server.asked if name == "metadata.get_cost"]
    # Only what is still missing is priced and downloaded.
    assert len(server.select(costs[0])) == len(server.select(server.streams[0])) < left < 6000
    for day, path in enumerate(done.paths):
        assert official(path).tobytes() == on_day(trades, day).tobytes()
    assert sorted(request_.out.iterdir()) == done.paths


def test_a_run_killed_between_any_two_steps_is_continued(
    server: Server, request_: Request, trades: NDArray[np.void]
) -> None:
    part = request_.parts()[0]
    new, old = (part.path.with_name(part.path.name + suffix) for suffix in (".new", ".part"))
    download(server, request_)
    whole = part.path.read_bytes()
    for cut, name in ((len(whole), new), (len(whole), old), (len(whole) // 2, new), (11, new), (0, old)):
        part.path.unlink()
        name.write_bytes(whole[:cut])
        download(server, request_)
        assert official(part.path).tobytes() == on_day(trades, 0).tobytes()


def test_trades_counted_but_not_sent_by_the_server_are_an_error(server: Server, request_: Request) -> None:
    server.shortfall = 3
    with pytest.raises(DataError, match="expected 6,000 trades, got 5,997"):
        download(server, request_)
    assert not request_.parts()[0].path.exists()
    server.shortfall = 0
    assert download(server, request_).trades == 12_000


def test_a_day_without_trades_creates_no_file(server: Server, tmp_path: Path) -> None:
    request = parse_request(["NQ.v.0"], start="2025-11-30", end="2025-12-02", out=tmp_path)
    said = Said()
    done = download(server, request, said=said)
    assert [path.name for path in done.paths] == ["GLBX.MDP3-NQ.v.0-20251130.trades.dbn.zst"]
    assert "no trades: GLBX.MDP3-NQ.v.0-20251201" in said.words
    assert list(tmp_path.iterdir()) == done.paths


REFUSALS = {
    422: ("symbology_invalid_request", "None of the symbols could be resolved", UsageError, "None of the symbols"),
    402: ("account_insufficient_funds", "Not enough\ncredit", FeedError, r"refused \(402\): .*Not enough credit"),
    403: ("license_not_found", "A license is required", FeedError, r"refused \(403\): .*A license is required"),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_one_line_with_databentos_reason(server: Server, request_: Request, status: int) -> None:
    case, message, kind, expected = REFUSALS[status]
    server.refusals = [(status, {"detail": {"case": case, "message": message, "docs": "https://elsewhere"}})]
    with pytest.raises(kind, match=expected) as caught:
        download(server, request_)
    assert "\n" not in str(caught.value)


def test_a_refused_key_is_reported_but_not_shown(server: Server, request_: Request) -> None:
    with pytest.raises(FeedError, match=r"^Databento refused the key \*\*\*\*vwxyz$"):
        download(server, request_, key="db-zzzzzzzzzzzzzzzzzzzzzzzzvwxyz")


def test_a_missing_key_is_reported_with_where_it_is_looked_for(request_: Request) -> None:
    with pytest.raises(FeedError, match="DATABENTO_API_KEY"):
        run(request_, key=None, is_agreed=True, console=Console(file=io.StringIO()))


def test_an_unreachable_server_is_one_line(server: Server, request_: Request) -> None:
    server.url = "http://127.0.0.1:1"
    with pytest.raises(FeedError, match="Databento cannot be reached") as caught:
        download(server, request_)
    assert KEY not in str(caught.value)


def test_a_server_error_while_streaming_is_retried(server: Server, request_: Request) -> None:
    # Each file takes three requests for its quote and one for its count; then the first stream fails twice.
    quote = [(200, 0.29), (200, 288_000), (200, 6000)]
    server.refusals = [*quote, *quote, (200, 6000), (503, {"detail": "busy"}), (429, {})]
    clock = ManualClock()
    assert download(server, request_, clock=clock).trades == 12_000
    assert clock.monotonic_ns() == 3_000_000_000


def test_a_warning_from_the_server_is_passed_on(server: Server, request_: Request) -> None:
    server.warning = "Warning: the dataset is degraded on 2025-11-28"
    said = Said()
    download(server, request_, said=said)
    assert "Databento: the dataset is degraded on 2025-11-28" in said.words


def test_an_unwritable_folder_is_one_line_and_costs_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    request = parse_request(["NQ.v.0"], start="2025-11-28", end=None, out=tmp_path / "file" / "folder")
    with pytest.raises(FlowError, match=r"cannot write .*file"):
        download(server, request)
    assert not server.streams


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbols": [" , "]}, "--symbols: expected at least one"),
        ({"start": "yesterday"}, "--start: expected a time like"),
        ({"end": "2025-11-28"}, "--end: expected a time after --start"),
        ({"end": "2055-11-28"}, "--end: expected at most 3700 days"),
        ({"stype_in": "smart"}, "--stype-in: expected one of continuous, parent"),
        ({"out": Path(__file__)}, "--out: expected a folder"),
    ],
)
def test_an_invalid_request_is_reported_with_what_was_expected(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    values = {"symbols": ["NQ.v.0"], "start": "2025-11-28", "end": "2025-11-29", "out": tmp_path} | change
    with pytest.raises(UsageError, match=message):
        parse_request(values.pop("symbols"), **values)  # type: ignore[arg-type]


def test_parts_adjoin_and_have_distinct_names(tmp_path: Path) -> None:
    request = parse_request(["NQ.v.0,ES.v.0", "NQ.v.0"], start="2025-11-27T14:30", end="2025-11-29T01:00", out=tmp_path)
    assert request.symbols == ("NQ.v.0", "ES.v.0")
    parts = request.parts()
    assert (parts[0].start_ns, parts[-1].end_ns) == (request.start_ns, request.end_ns)
    assert [after.start_ns for after in parts[1:]] == [before.end_ns for before in parts[:-1]]
    assert [part.path.name for part in parts] == [
        "GLBX.MDP3-NQ.v.0-ES.v.0-20251127T143000-20251128T000000.trades.dbn.zst",
        "GLBX.MDP3-NQ.v.0-ES.v.0-20251128.trades.dbn.zst",
        "GLBX.MDP3-NQ.v.0-ES.v.0-20251129T000000-20251129T010000.trades.dbn.zst",
    ]
    many = [f"SYMBOL{n}" for n in range(50)]
    names = {
        parse_request(symbols, start="2025-11-28", end=None, out=tmp_path, stype_in="raw_symbol").parts()[0].path.name
        for symbols in (many, many[:-1], [*many[:-1], "NQZ5/ESZ5"])
    }
    assert len(names) == 3
    assert all(len(name) < 120 and "/" not in name for name in names)


def test_the_command_shows_the_cost_downloads_and_prints_the_replay_command(
    server: Server,
    trades: NDArray[np.void],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = server.historical()
    monkeypatch.setattr(databento, "Historical", lambda _key: client)
    monkeypatch.setenv("DATABENTO_API_KEY", KEY)
    line = ["download", "--symbols", "NQ.v.0", "--start", "2025-11-28", "--end", "2025-11-30", "--out", str(tmp_path)]
    assert main(line) == 2, "no one can be asked"
    assert "--yes" in capsys.readouterr().err
    assert not server.streams
    assert main([*line, "--yes"]) == 0
    out, err = capsys.readouterr()
    assert "US$" in err
    assert "MB" in err
    assert KEY not in out + err
    paths = [Path(text) for text in out.split()]
    rows = np.concatenate([item.rows for item in read_items(paths) if isinstance(item, Trades)])
    assert rows.tobytes() == np.concatenate([on_day(trades, 0), on_day(trades, 1)]).tobytes()
    assert main([*line, "--yes"]) == 0
    assert "2 of 2 files already exist" in capsys.readouterr().err

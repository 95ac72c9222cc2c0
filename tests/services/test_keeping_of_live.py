"""Recording and archive of a live session contain what was shown, through faults of disk and database."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from flow_gl.cli.main import run
from flow_gl.core.items import Trades
from flow_gl.core.schema import FeedState
from flow_gl.core.sessions import SessionCalendar
from flow_gl.core.spec import KEY_VARIABLE, EngineSpec, FilesSpec, LiveSpec
from flow_gl.feed.files.replay import read_items
from flow_gl.services.archive.query import list_sessions
from flow_gl.ui.link import LinkState
from flow_gl.view.engine_link.supervisor import EngineLink
from tests.gateway.process import GatewayProcess
from tests.gateway.tape import DATASET, ES, KEY, NQ, make_tape, of
from tests.kit.exchange_hours import NOW_NS, shift_now, shifted
from tests.kit.numbers import Totals, totals_of, totals_shown
from tests.kit.waiting import until_engine
from tests.services.conftest import PostgresServer

COUNT, PUBLISHED = 4000, 2000


class Market:
    """Run a gateway whose tape started with the current session and is halfway through."""

    def __init__(self) -> None:
        self.session = SessionCalendar().session_at(NOW_NS)
        open_ns = self.session.open
        step_ns = (NOW_NS - open_ns) // COUNT
        self.tape = make_tape(COUNT, step_ns=step_ns, open_ns=open_ns)
        self.gateway = GatewayProcess(count=COUNT, published=PUBLISHED, step_ns=step_ns, open_ns=open_ns)

    def spec(self, folder: Path, *, archive: str = "off") -> EngineSpec:
        port = self.gateway.port
        feed = LiveSpec(
            symbols=("NQ.v.0", "ES.v.0"), gateway="127.0.0.1", port=port, record_dir=str(folder), archive=archive
        )
        return EngineSpec(feed=feed)

    def numbers(self, until: int) -> list[Totals]:
        """Return trades, buys, sells and unsided contracts of each chart."""
        return [totals_of(of(self.tape[:until], contract)) for contract in (NQ, ES)]


@pytest.fixture(scope="module")
def only_market() -> Iterator[Market]:
    market = Market()
    yield market
    market.gateway.kill()


@pytest.fixture
def market(only_market: Market) -> Market:
    only_market.gateway("fresh", published=PUBLISHED)
    return only_market


def start(spec: EngineSpec) -> EngineLink:
    return EngineLink.start(spec, environment=shifted(shift_now()) | {KEY_VARIABLE: KEY})


def wait(link: EngineLink, holds: Callable[[], bool]) -> None:
    def said() -> str:
        keeping = link.engine.text("message") + " | " + link.engine.text("keeping") if link.engine else ""
        return f"{keeping}, {totals_shown(link)}"

    until_engine(link, holds, said)


def status(link: EngineLink, field: str) -> int:
    return int(link.engine.status[field]) if link.engine else 0


def keeping(link: EngineLink) -> str:
    return link.engine.text("keeping") if link.engine else ""


def recorded_trades(folder: Path) -> np.ndarray:
    paths = sorted(folder.glob("*.dbn.zst"))
    return np.concatenate([item.rows for item in read_items(paths) if isinstance(item, Trades)])


def test_a_killed_engine_continues_from_the_recording_and_a_replay_shows_the_same(
    market: Market, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, archive = tmp_path / "recordings", f"sqlite:///{tmp_path / 'archive.db'}"
    with closing(start(market.spec(folder, archive=archive))) as link:
        wait(link, lambda: totals_shown(link) == market.numbers(PUBLISHED) and status(link, "recorded") > 0)
        wait(link, lambda: status(link, "unrecorded") == 0)
        assert link.pid
        generation = link.generation
        os.kill(link.pid, signal.SIGKILL)
        wait(link, lambda: link.state is LinkState.RESTARTING)
        market.gateway("publish", count=500)
        wait(link, lambda: link.generation > generation and totals_shown(link) == market.numbers(PUBLISHED + 500))
        wait(link, lambda: status(link, "recorded") == len(of(market.tape[: PUBLISHED + 500], NQ, ES)))
        shown, names = totals_shown(link), [reader.symbol for reader in link.markets]
        wait(link, lambda: not status(link, "unkept") and (keeping(link) == "" or "cut" in keeping(link)))
    asked = [int(connection["subscriptions"][-1]["start"]) for connection in market.gateway("stats")["connections"]]
    last = min(int(of(market.tape[:PUBLISHED], one)["ts_event"].max()) for one in (NQ, ES))
    assert asked[-1] > asked[0], "the gateway is asked for the rest alone"
    assert asked[-1] <= last
    charted = of(market.tape[: PUBLISHED + 500], NQ, ES)
    assert (np.sort(recorded_trades(folder)) == np.sort(charted)).all()

    date = f"{market.session.trade_date}"
    (path,) = folder.glob("*.dbn.zst")
    assert path.name == f"{DATASET}-{market.session.trade_date}.dbn.zst"
    with closing(EngineLink.start(EngineSpec(feed=FilesSpec(paths=(str(path),), speed=None)))) as link:
        wait(link, lambda: status(link, "state") == FeedState.ENDED)
        wait(link, lambda: totals_shown(link) == shown)
        assert [reader.symbol for reader in link.markets] == names == ["NQZ5", "ESZ5"]

    capsys.readouterr()
    assert run(["sessions", "--archive", archive, "--record-dir", str(folder)]) == 0
    listed = capsys.readouterr().out
    for word in ("NQZ5", "ESZ5", f"{date[:4]}-", path.name):
        assert word in listed.replace("\n", "")


def test_an_unreachable_database_delays_no_chart_and_gets_what_it_missed(
    market: Market, tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.create("kept")
    with closing(start(market.spec(tmp_path, archive=url))) as link:
        wait(link, lambda: totals_shown(link) == market.numbers(PUBLISHED) and status(link, "archived") > 0)
        postgres.stop()
        try:
            market.gateway("publish", count=COUNT - PUBLISHED)
            wait(link, lambda: totals_shown(link) == market.numbers(COUNT))
            wait(link, lambda: bool(status(link, "unkept")))
            assert "the archive has stopped" in keeping(link)
            assert "secret-word" not in keeping(link)
            assert status(link, "state") in (FeedState.LIVE, FeedState.CLOSED)
        finally:
            postgres.start()
        wait(link, lambda: not status(link, "unkept") and status(link, "unarchived") == 0 and keeping(link) == "")
    stored = {row.symbol: row for row in list_sessions(url)}
    for symbol, (trades, buy, sell, unsided) in zip(("NQZ5", "ESZ5"), market.numbers(COUNT), strict=True):
        row = stored[symbol]
        assert (row.trade_count, row.buy, row.sell, row.unsided) == (trades, buy, sell, unsided)


def test_an_unwritable_folder_is_reported_and_recording_starts_when_it_can(market: Market, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.write_text("in the way")
    with closing(start(market.spec(folder))) as link:
        wait(link, lambda: totals_shown(link) == market.numbers(PUBLISHED) and bool(status(link, "unkept")))
        assert f"{folder}: expected a folder, this is a file" in keeping(link)
        folder.unlink()
        market.gateway("publish", count=100)
        wait(link, lambda: totals_shown(link) == market.numbers(PUBLISHED + 100))
        wait(link, lambda: status(link, "recorded") == len(of(market.tape[: PUBLISHED + 100], NQ, ES)))
        wait(link, lambda: not status(link, "unkept") and keeping(link) == "")
    charted = of(market.tape[: PUBLISHED + 100], NQ, ES)
    assert (np.sort(recorded_trades(folder)) == np.sort(charted)).all()

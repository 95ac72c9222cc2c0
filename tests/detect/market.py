"""Files with days of synthetic trades and events of every kind, for the tests of `flow-gl detect`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow_gl.core.schema import TRADE
from flow_gl.core.units import DAY_NS, HOUR_NS, SECOND_NS
from flow_gl.dbn.writing import write_dbn

MONDAY = 1_764_547_200 * SECOND_NS
"""2025-12-01 00:00 UTC, in the middle of a session; sessions end at 22:00 UTC and begin at 23:00 UTC."""
NQ, ES, SPREAD = 101, 202, 303
NAMES = {NQ: "NQZ5", ES: "ESZ5", SPREAD: "NQZ5-NQH6"}
_TRADED_HOURS = ((0, 2), (20, 22), (23, 24))
"""UTC hours of a day with trades."""


def day_of_trades(number: int, *, count: int = 12_000, ids: tuple[int, ...] = (NQ, ES, SPREAD)) -> NDArray[np.void]:
    """Make the trades of the UTC day `number` days after MONDAY in order of receipt: sweeps, bursts, single trades."""
    rng = np.random.default_rng(number)
    rows: NDArray[np.void] = np.zeros(count, TRADE)
    rows["length"], rows["publisher_id"], rows["action"] = 12, 1, ord("T")
    spans = np.array([(until - since) * 3600 for since, until in _TRADED_HOURS])
    places = np.sort(rng.integers(0, spans.sum() * 10, count)) / 10
    seconds = places.copy()
    for (since, until), before in zip(_TRADED_HOURS, np.cumsum([0, *spans[:-1]]), strict=True):
        ours = (places >= before) & (places < before + (until - since) * 3600)
        seconds[ours] = places[ours] - before + since * 3600
    rows["ts_event"] = MONDAY + number * DAY_NS + (seconds * SECOND_NS).astype(np.int64)
    rows["ts_recv"] = rows["ts_event"] + 150_000
    rows["instrument_id"] = rng.choice(ids, count, p=np.array([6, 3, 0.2][: len(ids)]) / sum([6, 3, 0.2][: len(ids)]))
    walk = np.cumsum(rng.choice([-1, 0, 1], count, p=[0.1, 0.8, 0.1]))
    rows["price"] = (40_000 + number * 8 + np.abs(walk % 80 - 40)) * 250_000_000
    rows["price"][rows["instrument_id"] == SPREAD] //= 100
    rows["price"] -= rows["price"] % 50_000_000
    rows["size"] = np.where(rng.random(count) < 0.02, rng.integers(10, 60, count), rng.integers(1, 6, count))
    lean = np.repeat(rng.random(count // 300 + 1), 300)[:count]
    rows["side"] = np.where(rng.random(count) < lean, ord("B"), ord("A"))
    rows["side"][rng.random(count) < 0.02] = ord("N")
    return rows


def write_days(folder: Path, days: int, *, suffix: str = ".dbn.zst", first: int = 0) -> list[Path]:
    """Write one file per UTC day, as Databento does: sessions continue across midnight."""
    paths = []
    for number in range(first, first + days):
        rows = day_of_trades(number)
        paths.append(folder / f"day{number:02d}{suffix}")
        write_dbn(paths[-1], rows, symbols=NAMES)
    return paths


def write_sessions(folder: Path, days: int, *, ids: tuple[int, ...] = (NQ, ES)) -> list[Path]:
    """Write the same number of UTC days with one file per session, as the recorder does."""
    rows = np.concatenate([day_of_trades(number, ids=ids) for number in range(days)])
    cuts = [int(np.searchsorted(rows["ts_event"], MONDAY + day * DAY_NS + 22 * HOUR_NS)) for day in range(days)]
    paths = []
    for number, part in enumerate(np.split(rows, cuts)):
        if len(part):
            paths.append(folder / f"session{number:02d}.dbn.zst")
            write_dbn(paths[-1], part, symbols=NAMES)
    return paths

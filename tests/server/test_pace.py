"""A worker ticks at once after a quiet moment, and 25 times a second in a busy market."""

import numpy as np

from flow_gl.server.hub import TICK_S
from flow_gl.server.pace import BURST, POLL_S, Pace


def ticks(news: list[float], seconds: float) -> list[float]:
    """Return when a worker sends, if the market trades at these times (s)."""
    pace, sent, waiting = Pace(), [], sorted(news)
    for poll in range(round(seconds / POLL_S)):
        now_s = poll * POLL_S
        has_news = bool(waiting) and waiting[0] <= now_s
        if pace.is_due(now_s, has_news=has_news):
            pace.ticked(now_s, is_sent=has_news)
            if has_news:
                sent.append(now_s)
                waiting = [one for one in waiting if one > now_s]
    return sent


def test_a_trade_after_a_quiet_moment_is_sent_with_the_next_look() -> None:
    news = [1.0021, 2.0371, 3.0012]
    sent = ticks(news, 4.0)
    assert len(sent) == 3
    assert all(0 <= when - at <= POLL_S for when, at in zip(sent, news, strict=True))


def test_a_busy_market_gets_25_ticks_a_second_beyond_the_first_burst() -> None:
    sent = ticks(list(np.arange(0, 10, POLL_S / 5)), 10.0)
    assert len(sent) in range(round(10 / TICK_S) - 1, round(10 / TICK_S) + BURST + 2)
    later = np.diff(sent[BURST * 2 :])
    assert abs(later.mean() - TICK_S) < 0.001
    assert later.max() <= TICK_S + POLL_S + 1e-9


def test_any_second_has_no_more_ticks_than_the_rate_and_one_burst() -> None:
    random = np.random.default_rng(3)
    sent = np.array(ticks(list(np.cumsum(random.exponential(0.02, 2000))), 40.0))
    most = max(int(np.count_nonzero((sent >= start) & (sent < start + 1.0))) for start in sent)
    assert most <= round(1 / TICK_S) + BURST + 1


def test_a_quiet_market_is_looked_at_25_times_a_second() -> None:
    pace, looked = Pace(), 0
    for poll in range(round(2 / POLL_S)):
        if pace.is_due(poll * POLL_S, has_news=False):
            pace.ticked(poll * POLL_S, is_sent=False)
            looked += 1
    assert 45 <= looked <= 51

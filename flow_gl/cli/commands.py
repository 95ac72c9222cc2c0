"""The commands that draw: each parses its flags, checks them before the start, and runs an engine and a view."""

from collections.abc import Mapping

import typer

from flow_gl.cli.feeds import DemoFlags, FeedFlags, LiveFlags, ReplayFlags
from flow_gl.cli.options import Drawing, Serving, takes_flags, takes_settings


@takes_flags(Serving, "serving")
@takes_flags(Drawing, "drawing")
@takes_settings
@takes_flags(DemoFlags, "flags")
def demo(*, flags: DemoFlags, given: Mapping[str, object], drawing: Drawing, serving: Serving) -> None:
    """Draw a synthetic NQ and ES market: no data and no key needed.

    \b
    flow-gl demo
    flow-gl demo --rate 20000 --seed 7 --symbols NQ
    flow-gl demo --headless --duration 10 --screenshot demo.png --record demo.mp4
    """
    _draw(flags, given, drawing, serving)


@takes_flags(Serving, "serving")
@takes_flags(Drawing, "drawing")
@takes_settings
@takes_flags(ReplayFlags, "flags")
def replay(*, flags: ReplayFlags, given: Mapping[str, object], drawing: Drawing, serving: Serving) -> None:
    """Replay recorded trades, at any speed, with the numbers of the live run.

    A continuous symbol (NQ.v.0) is one chart: where it rolls to another contract, a line marks the roll (NQZ5 > NQH6),
    every number starts again, and prices are not adjusted. A contract or an id is charted alone.

    \b
    flow-gl replay nq-20251128.trades.dbn.zst --speed 60
    flow-gl replay day1.dbn.zst day2.dbn.zst --symbol NQZ5 --from 09:30
    flow-gl replay --session 2025-11-28 --speed 10        (a recorded one; flow-gl sessions lists them)
    flow-gl replay month/*.dbn.zst --speed max --span 30d (levels are kept for the next time)
    flow-gl replay day.csv --speed max --headless --screenshot day.png
    """
    _draw(flags, given, drawing, serving)


@takes_flags(Serving, "serving")
@takes_flags(Drawing, "drawing")
@takes_settings
@takes_flags(LiveFlags, "flags")
def live(*, flags: LiveFlags, given: Mapping[str, object], drawing: Drawing, serving: Serving) -> None:
    """Draw Databento's live feed: the session so far, then each new trade. Ctrl+N asks for further symbols.

    Trades are recorded and the chart's numbers archived: flow-gl sessions lists the sessions.

    \b
    flow-gl live                                          (NQ.v.0 and ES.v.0, DATABENTO_API_KEY in the environment)
    flow-gl live --symbols NQ.v.0 --record-dir /data/recordings --keep-days 90
    flow-gl live --symbols NQ.FUT --stype-in parent       (the outright with the most volume)
    flow-gl live --archive postgresql://me@db.local/flow
    flow-gl live --no-recording --archive off             (stores nothing)
    flow-gl live --serve                                  (and show it in a browser: http://127.0.0.1:8080)
    flow-gl live --metrics 9100                           (for Prometheus: http://127.0.0.1:9100/metrics)
    """
    _draw(flags, given, drawing, serving)


def _draw(flags: FeedFlags, given: Mapping[str, object], drawing: Drawing, serving: Serving) -> None:
    from flow_gl.cli import draw

    settings = draw.read_settings(drawing, given)
    feed = flags.feed(settings)
    raise typer.Exit(draw.show(feed.spec, settings, drawing, title=feed.title, serving=serving))

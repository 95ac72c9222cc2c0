"""The detectors' rules in plain Python, written from docs/definitions.md alone: slow, and independent of the kernels.

Each function takes the trades of one instrument in one session, in arrival order, as (ts_event, price in ticks, size,
side), and returns its events as dictionaries in the order in which they became known.
"""

import math
from collections import Counter, defaultdict

from flow_gl.core.units import SECOND_NS

SIGNS = {"B": 1, "A": -1, "N": 0}
SIZES = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


def spans(trades, width):
    """Yield each trade with the number of its second, bar or minute; a late trade counts in the open one."""
    newest = None
    for trade in trades:
        number = trade[0] // width
        newest = number if newest is None else max(newest, number)
        yield newest, trade


def orders(trades):
    """Return the aggressive orders: runs of records with equal time and side."""
    found, run = [], []

    def end():
        if run:
            found.append(
                {
                    "ts": run[0][0],
                    "side": run[0][3],
                    "contracts": sum(size for _, _, size, _ in run),
                    "first": run[0][1],
                    "last": run[-1][1],
                }
            )
            run.clear()

    for trade in trades:
        if run and (trade[0], trade[3]) != (run[0][0], run[0][3]):
            end()
        if trade[3] in "BA":
            run.append(trade)
    end()
    return found


def large_trades(trades, threshold="auto", most=20):
    events, seen, minute, least = [], [], None, 10
    first_minute = None
    for order in orders(trades):
        own_minute = order["ts"] // (60 * SECOND_NS)
        if minute is None or own_minute > minute:
            if first_minute is None:
                first_minute = trades[0][0] // (60 * SECOND_NS)
            minute = own_minute
            if minute > first_minute:
                since, until = (minute - 60) * 60 * SECOND_NS, minute * 60 * SECOND_NS
                inside = [one["contracts"] for one in seen if since <= one["ts"] < until]
                fits = [size for size in SIZES if sum(count >= size for count in inside) <= most]
                least = fits[0] if fits else SIZES[-1]
        seen.append(order)
        limit = least if threshold == "auto" else threshold
        if order["contracts"] >= limit:
            events.append(
                {
                    "kind": "large_trade",
                    "ts_event": order["ts"],
                    "price": order["last"],
                    "direction": 1 if order["side"] == "B" else -1,
                    "strength": order["contracts"],
                    "inputs": (order["first"], limit),
                }
            )
    return events


def _sd(values):
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def absorptions(
    trades, *, sd=2.5, contracts=20, ticks=1, move_sd=0.25, span=4, span_sd=1.5, again_s=15, window_s=5, history_s=600
):
    by_second = defaultdict(list)
    for second, trade in spans(trades, SECOND_NS):
        by_second[second].append(trade)
    if not by_second:
        return []
    first, newest = min(by_second), max(by_second)
    first_price = trades[0][1]
    delta, last, price = {}, {}, first_price
    for second in range(first, newest + 1):
        delta[second] = sum(SIGNS[side] * size for _, _, size, side in by_second.get(second, ()))
        if by_second.get(second):
            price = by_second[second][-1][1]
        last[second] = price

    def window(second):
        moved = last[second] - last.get(second - window_s, first_price)
        return sum(delta.get(second - back, 0) for back in range(window_s)), moved

    windows = {second: window(second) for second in range(first, newest + 1)}
    events, last_at = [], {}
    for second in sorted(by_second):
        history = [windows[before] for before in range(max(first, second - history_s), second)]
        if len(history) < 120:
            continue
        moved_sd = _sd([moved for _, moved in history])
        limit = max(contracts, sd * _sd([net for net, _ in history]))
        net, moved = windows[second]
        inside = [trade for back in range(window_s - 1, -1, -1) for trade in by_second.get(second - back, ())]
        prices = [trade[1] for trade in inside]
        if abs(net) < limit or abs(moved) > max(ticks, move_sd * moved_sd):
            continue
        if max(prices) - min(prices) > max(span, span_sd * moved_sd):
            continue
        side = "B" if net > 0 else "A"
        by_price = Counter()
        for _, at, size, own in inside:
            if own == side:
                by_price[at] += size
        at = min(by_price, key=lambda tick: (-by_price[tick], abs(tick - last[second]), tick))
        end = (second + 1) * SECOND_NS
        if at in last_at and end - last_at[at] < again_s * SECOND_NS:
            continue
        last_at[at] = end
        events.append(
            {
                "kind": "absorption",
                "ts_event": end,
                "price": at,
                "direction": -1 if net > 0 else 1,
                "strength": abs(net) / limit,
                "inputs": (net, moved, max(prices) - min(prices), limit),
            }
        )
    return events


def divergences(trades, *, bar_s=15, before=5, after=3, most_bars=60):
    bars, cvd = [], 0
    for number, (_, price, size, side) in spans(trades, bar_s * SECOND_NS):
        if not bars or number > bars[-1]["number"]:
            bars.append({"number": number, "high": price, "low": price, "cvd_high": cvd, "cvd_low": cvd})
        bar = bars[-1]
        cvd += SIGNS[side] * size
        bar["high"], bar["low"] = max(bar["high"], price), min(bar["low"], price)
        bar["cvd_high"], bar["cvd_low"] = max(bar["cvd_high"], cvd), min(bar["cvd_low"], cvd)
    events = []
    for name, sign in (("high", 1), ("low", -1)):
        previous = None
        for at in range(before, len(bars) - after):
            value = sign * bars[at][name]
            is_pivot = all(value > sign * bars[at - back][name] for back in range(1, before + 1)) and all(
                value >= sign * bars[at + ahead][name] for ahead in range(1, after + 1)
            )
            if not is_pivot:
                continue
            if previous is not None and at - previous <= most_bars:
                pivot, older = bars[at], bars[previous]
                cvd_then, cvd_now = older[f"cvd_{name}"], pivot[f"cvd_{name}"]
                if sign * pivot[name] > sign * older[name] and sign * cvd_now < sign * cvd_then:
                    events.append(
                        {
                            "kind": "divergence",
                            "ts_event": (bars[at + after]["number"] + 1) * bar_s * SECOND_NS,
                            "price": pivot[name],
                            "direction": -sign,
                            "strength": abs(cvd_now - cvd_then),
                            "inputs": (older["number"] * bar_s * SECOND_NS, older[name]),
                        }
                    )
            previous = at
    return sorted(events, key=lambda event: event["ts_event"])


def stacked_imbalances(trades, *, contracts=10, ratio=3, least=3):
    minutes = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for minute, (_, price, size, side) in spans(trades, 60 * SECOND_NS):
        if side in "BA":
            minutes[minute][price]["BA".index(side)] += size
    events = []
    for minute, rows in sorted(minutes.items()):
        for side, step in ((0, -1), (1, 1)):
            ticks = [
                tick
                for tick in sorted(rows)
                if rows[tick][side] >= contracts and rows[tick][side] >= ratio * rows.get(tick + step, (0, 0))[1 - side]
            ]
            stack = []
            for tick in [*ticks, None]:
                if stack and (tick is None or tick != stack[-1] + 1):
                    if len(stack) >= least:
                        events.append(
                            {
                                "kind": "stacked_imbalance",
                                "ts_event": (minute + 1) * 60 * SECOND_NS,
                                "price": stack[0],
                                "direction": 1 if side == 0 else -1,
                                "strength": len(stack),
                                "inputs": (stack[-1],),
                            }
                        )
                    stack = []
                if tick is not None:
                    stack.append(tick)
    return events


def zero_crosses(trades, *, arm=60):
    events, cvd, armed, extreme = [], 0, 0, 0
    for ts, price, size, side in trades:
        cvd += SIGNS[side] * size
        if armed * cvd < 0:
            direction = 1 if cvd > 0 else -1
            events.append(
                {
                    "kind": "zero_cross",
                    "ts_event": ts,
                    "price": price,
                    "direction": direction,
                    "strength": arm,
                    "inputs": (cvd, extreme),
                }
            )
            armed = 0
        if not armed and abs(cvd) >= arm:
            armed, extreme = (1 if cvd > 0 else -1), cvd
        elif armed * cvd > armed * extreme:
            extreme = cvd
    return events

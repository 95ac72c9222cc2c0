"""A slow twin of the engine, written from the definitions in plain Python: lists, dictionaries, fractions."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from flow_gl.core.market.lod import widths_ns
from flow_gl.core.schema import UNDEF_PRICE
from flow_gl.core.units import SECOND_NS

TICK = 250_000_000


@dataclass
class Group:
    """Collects the trades of one bubble."""

    trades: list = field(default_factory=list)
    cvd: list = field(default_factory=list)
    cvd_open: int = 0

    def bubble(self, bubble_id, span_ns):
        sizes = {side: sum(t["size"] for t in self.trades if chr(t["side"]) == side) for side in "BAN"}
        prices = [t["price"] for t in self.trades]
        volume = sum(sizes.values())
        average = Fraction(sum(t["price"] * t["size"] for t in self.trades), volume)
        return {
            "id": bubble_id,
            "ts_event": bubble_id * span_ns,
            "price": round(average),
            "open": prices[0],
            "high": max(prices),
            "low": min(prices),
            "close": prices[-1],
            "buy": sizes["B"],
            "sell": sizes["A"],
            "unsided": sizes["N"],
            "trade_count": len(self.trades),
            "ts_last": max(t["newest"] for t in self.trades),
        }

    def point(self, bubble_id, span_ns):
        return {
            "id": bubble_id,
            "ts_event": bubble_id * span_ns,
            "open": self.cvd_open,
            "high": max(self.cvd_open, *self.cvd),
            "low": min(self.cvd_open, *self.cvd),
            "close": self.cvd[-1],
        }


class Twin:
    """One instrument. `lods`: groups of trades by bubble id, for each level of detail."""

    def __init__(self, *, bucket_ns=SECOND_NS, arm=300, lods=12):
        self.bucket_ns, self.arm = bucket_ns, arm
        self.widths = widths_ns(bucket_ns)[:lods]
        self.lods = [{} for _ in range(lods)]  # levels beyond the base's widths stay empty
        self.rejections = {}
        self.rejected = self.late = self.bad = self.cvd = self.armed = 0
        self.extreme = None
        self.trades, self.events, self.silences, self.cvd_path = [], [], [], []
        self.bucket = None
        self.newest = None
        self.profile = {}

    def take(self, row):
        trade = {name: int(row[name]) for name in ("ts_event", "price", "size", "side", "action", "flags")}
        ts = trade["ts_event"]
        if trade["action"] != ord("T") or trade["size"] == 0 or trade["price"] == UNDEF_PRICE or ts < 0:
            self.rejected += 1
            reasons = {
                "rejected_action": trade["action"] != ord("T"),
                "rejected_no_price": trade["price"] == UNDEF_PRICE,
                "rejected_no_size": trade["size"] == 0,
                "rejected_time": ts < 0,
            }
            reason = next(reason for reason, is_met in reasons.items() if is_met)
            self.rejections[reason] = self.rejections.get(reason, 0) + 1
            return
        bucket = ts // self.bucket_ns
        if self.bucket is not None and bucket < self.bucket:
            self.late += 1
        self.bucket = bucket if self.bucket is None else max(self.bucket, bucket)
        if self.newest is not None and ts - self.newest > 60 * SECOND_NS:
            self.silences.append((self.newest, ts))
        self.newest = ts if self.newest is None else max(self.newest, ts)
        trade["newest"] = self.newest
        self.bad += bool(trade["flags"] & 4)
        before = self.cvd
        self.cvd += {"B": trade["size"], "A": -trade["size"]}.get(chr(trade["side"]), 0)
        self._cross(trade)
        for width, groups in zip(self.widths, self.lods, strict=False):
            group = groups.setdefault(self.bucket * self.bucket_ns // width, Group(cvd_open=before))
            group.trades.append(trade)
            group.cvd.append(self.cvd)
        row = self.profile.setdefault(trade["price"], [0, 0, 0])
        row["BAN".index(chr(trade["side"]))] += trade["size"]
        self.trades.append(trade)
        self.cvd_path.append(self.cvd)

    def _cross(self, trade):
        if (self.armed > 0 and self.cvd < 0) or (self.armed < 0 and self.cvd > 0):
            direction = 1 if self.cvd > 0 else -1
            self.events.append((trade["ts_event"], trade["price"], direction, self.cvd, self.extreme))
            self.armed = 0
        if self.armed == 0 and abs(self.cvd) >= self.arm:
            self.armed, self.extreme = (1 if self.cvd > 0 else -1), self.cvd
        if self.armed:
            self.extreme = (max if self.armed > 0 else min)(self.extreme, self.cvd)

    def bubbles(self, lod=0):
        return [group.bubble(bubble_id, self.widths[lod]) for bubble_id, group in sorted(self.lods[lod].items())]

    def points(self, lod=0):
        return [group.point(bubble_id, self.widths[lod]) for bubble_id, group in sorted(self.lods[lod].items())]

    def totals(self, tick=TICK):
        """Return the total volume per tick row, from the lowest traded price up."""
        low, high = min(self.profile), max(self.profile)
        return low, [sum(self.profile.get(price, (0,))) for price in range(low, high + 1, tick)]

    def vwap(self):
        volume = sum(map(sum, self.profile.values()))
        mean = Fraction(sum(price * sum(row) for price, row in self.profile.items()), volume)
        spread = sum((price - mean) ** 2 * sum(row) for price, row in self.profile.items()) / volume
        return float(mean) / 1e9, math.sqrt(spread) / 1e9


def value_area(totals, poc, step, share):
    """Dalton's rule, transcribed literally from the definition."""
    share = Fraction(str(share))
    inside = {poc}
    while sum(totals[i] for i in inside) < share * sum(totals):
        top, bottom = max(inside), min(inside)
        above = [i for i in range(top + 1, top + 1 + step) if i < len(totals)]
        below = [i for i in range(bottom - step, bottom) if i >= 0]
        up, down = sum(totals[i] for i in above), sum(totals[i] for i in below)
        if up == down == 0:
            higher = [i for i in range(top + 1, len(totals)) if totals[i]]
            lower = [i for i in range(bottom) if totals[i]]
            if higher and (not lower or higher[0] - top <= bottom - lower[-1]):
                inside |= set(range(top + 1, higher[0] + 1))
            else:
                inside |= set(range(lower[-1], bottom))
        else:
            inside |= set(above if up >= down else below)
    traded = [i for i in inside if totals[i]]
    return min(traded), max(traded), sum(totals[i] for i in inside)


def point_of_control(totals):
    most = max(totals)
    middle = Fraction(len(totals) - 1, 2)
    return min((i for i, volume in enumerate(totals) if volume == most), key=lambda i: (abs(i - middle), i))

"""How many trades per second the synthetic market generates on one core, at several rates.

    python -m benchmarks.synthetic_rate

By processor time, not wall time, in the best of five rounds of a million trades.
"""

import time

from flow_gl.feed.synthetic.demo import TradeMaker

ROUNDS = 5
TRADES = 1_000_000


def best_rate(rate: float) -> float:
    """Return the number of trades generated per second of processor time."""
    maker = TradeMaker(rate=rate, history_s=0)
    maker.next_block()
    best = 0.0
    for _ in range(ROUNDS):
        count, began = 0, time.process_time()
        while count < TRADES:
            count += len(maker.next_block())
        best = max(best, count / (time.process_time() - began))
    return best


if __name__ == "__main__":
    for rate in (1e3, 1e4, 1e5, 1e6):
        print(f"at {rate:>9,.0f} trades per second: {best_rate(rate):>12,.0f} generated per second")

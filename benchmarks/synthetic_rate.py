"""How many trades a second the synthetic market makes on one core, at several rates.

    python -m benchmarks.synthetic_rate

Processor time, not wall time, of the best of five rounds of a million trades.
"""

import time

from flow_gl.feed.synthetic.demo import TradeMaker

ROUNDS = 5
TRADES = 1_000_000


def best_rate(rate: float) -> float:
    """Trades made in a second of processor time."""
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
        print(f"at {rate:>9,.0f} trades a second: {best_rate(rate):>12,.0f} made a second")

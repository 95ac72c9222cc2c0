"""Run the property tests over and over with new seeds, until the time is up or one fails.

    .venv/bin/python scripts/fuzz.py [--minutes 5] [--seed N] [pytest's arguments]

Each round is one run of all property tests with a seed of its own, which is printed; `--seed N` repeats a round.
"""

import argparse
import secrets
import subprocess
import sys
import time


def main() -> int:
    """Exit code of the first round that fails, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="no round begins after this time (default: 5)")
    parser.add_argument("--seed", type=int, help="one round with this seed")
    options, arguments = parser.parse_known_args()
    end = time.monotonic() + 60 * options.minutes
    rounds = 0
    while rounds == 0 or (options.seed is None and time.monotonic() < end):
        seed = secrets.randbelow(2**32) if options.seed is None else options.seed
        print(f"fuzz: round {rounds + 1}, seed {seed}", flush=True)
        chosen = ["-m", "hypothesis", "--hypothesis-profile", "fuzz", f"--hypothesis-seed={seed}"]
        code = subprocess.call([sys.executable, "-m", "pytest", "-q", *chosen, *arguments])
        if code:
            print(f"fuzz: round {rounds + 1} failed; the same again: make fuzz ARGS='--seed {seed}'", flush=True)
            return code
        rounds += 1
    print(f"fuzz: {rounds} rounds, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())

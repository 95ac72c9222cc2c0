"""Run the property tests repeatedly with new seeds, until the time is up or one fails.

    .venv/bin/python scripts/fuzz.py [--minutes 5] [--seed N] [pytest's arguments]

Each round runs all property tests with a new seed and prints it; `--seed N` repeats a round.
"""

import argparse
import secrets
import subprocess
import sys
import time


def main() -> int:
    """Run the rounds. Returns the exit code of the first round that failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="start no new round after this many minutes (default: 5)"
    )
    parser.add_argument("--seed", type=int, help="run one round with this seed")
    options, arguments = parser.parse_known_args()
    end = time.monotonic() + 60 * options.minutes
    rounds = 0
    while rounds == 0 or (options.seed is None and time.monotonic() < end):
        seed = secrets.randbelow(2**32) if options.seed is None else options.seed
        print(f"fuzz: round {rounds + 1}, seed {seed}", flush=True)
        chosen = ["-m", "hypothesis", "--hypothesis-profile", "fuzz", f"--hypothesis-seed={seed}"]
        code = subprocess.call([sys.executable, "-m", "pytest", "-q", *chosen, *arguments])
        if code:
            print(f"fuzz: round {rounds + 1} failed; repeat it with: make fuzz ARGS='--seed {seed}'", flush=True)
            return code
        rounds += 1
    print(f"fuzz: {rounds} rounds, no failure")
    return 0


if __name__ == "__main__":
    sys.exit(main())

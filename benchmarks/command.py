"""The command line of a benchmark in this folder: `python -m benchmarks.NAME --help`."""

import sys

from flow_gl.cli.bench import benchmark_app
from flow_gl.cli.main import run_app


def main() -> None:
    """Run the module that was started with `python -m`, and end with its exit code."""
    module = sys.modules["__main__"]
    name = module.__spec__.name if module.__spec__ else "benchmark"
    sys.exit(run_app(benchmark_app(module), sys.argv[1:], name=f"python -m {name}"))

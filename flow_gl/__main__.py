"""The program `flow-gl`."""

import sys

from flow_gl.core import garbage


def main() -> None:
    """Run the command line and end with its exit code."""
    garbage.begin()
    from flow_gl.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

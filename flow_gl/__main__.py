"""The program `flow-gl`."""

import sys


def main() -> None:
    """Run the command line and end with its exit code."""
    from flow_gl.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

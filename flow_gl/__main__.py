"""The program `flow-gl`."""

import os
import sys

from flow_gl.core import garbage


def main() -> None:
    """Run the command line and end with its exit code."""
    garbage.begin()
    # No plugin has a say in what our settings are; to look for one reads every installed package's metadata.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from flow_gl.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

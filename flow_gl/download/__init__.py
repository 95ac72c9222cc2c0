"""Download of Databento's history as files for `flow-gl replay`: quoted first, resumed after an interruption.

`request` describes the download and splits it into days, `client` talks to Databento, `transfer` downloads one day into
its file, and `command` shows the cost, asks for confirmation and shows progress. See docs/recording.md.
"""

from flow_gl.download.command import run
from flow_gl.download.request import Request, parse_request

__all__ = ["Request", "parse_request", "run"]

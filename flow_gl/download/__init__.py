"""Trades from Databento's history, as files that `flow-gl replay` plays: asked about first, resumed when cut off.

`request` says what is wanted and cuts it into days, `client` speaks to Databento, `transfer` brings one day whole into
its file, `command` shows what it costs, asks, and shows how far it is. See docs/recording.md.
"""

from flow_gl.download.command import run
from flow_gl.download.request import Request, parse_request

__all__ = ["Request", "parse_request", "run"]

"""Charts from elsewhere in local stores: what `flow-gl connect` and `flow-gl serve --from` run in place of an engine.

A server and a bus send rows, not trades, so there is no feed and no pipeline. `connection` keeps a server's WebSocket
open, `bus` a connection to a bus; both report to a `listener`. `charts` writes received rows to a store, and `session`
runs all of it behind the interface of an engine's session.
"""

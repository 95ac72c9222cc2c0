"""A server's charts in local stores: what `flow-gl connect` runs in place of an engine.

A server sends rows, not trades, so there is no feed and no pipeline. `connection` keeps the WebSocket open, `charts`
writes received rows to a store, and `session` runs both behind the interface of an engine's session.
"""

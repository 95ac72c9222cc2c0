"""A server's charts as stores of this process: what `flow-gl connect` runs in place of an engine.

A server sends rows, not trades, so there is no feed and no pipeline. `connection` keeps the WebSocket open, `charts`
fills a store from what arrives, and `session` is their run as an engine's.
"""

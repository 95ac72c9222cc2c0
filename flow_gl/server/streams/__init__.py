"""What a worker reads from a chart's store for its clients: one stream per chart, kind and level.

`appended` are rows that never change once they are there, `tables` what is replaced. Each is read once per tick, for
all clients. `encoding` turns rows into WebSocket frames, the same bytes for every client.
"""

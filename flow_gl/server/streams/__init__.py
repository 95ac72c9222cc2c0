"""What a worker reads from a chart's store for its clients: one stream per chart, kind and level.

`appended` holds streams of rows that never change, `tables` streams of records that are replaced. Each stream is read
once per tick for all clients. `encoding` turns rows into WebSocket frames, with the same bytes for every client.
"""

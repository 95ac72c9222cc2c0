"""The wire protocol between a server and its clients, without sockets: docs/protocol.md.

`messages` defines the JSON messages, and `json_rows` converts rows to them. `frames` defines the packed binary frames,
`columns` and `chart_rows` their contents. `receiver` is the client's side: it decodes a server's messages, checks that
no rows are missing, and keeps the positions to resume from.
"""

"""The wire protocol between a server and its clients, in one place and without sockets: docs/protocol.md.

`messages` are the JSON messages, and `json_rows` writes rows as such. `frames` are the packed binary frames, `columns`
and `chart_rows` their contents. `receiver` is the client's half: it decodes what a server sends, checks that nothing is
missing, and says from where to resume.
"""

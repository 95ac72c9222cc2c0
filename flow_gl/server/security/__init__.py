"""Decides who may connect to the server and how much they may request: tokens, TLS, origins and limits.

Only `http` and `handshakes` use aiohttp; everything else takes plain values.
"""

"""Who may connect to the server, and how much they may ask for: tokens, TLS, origins and limits.

Everything here takes plain values; `admission` alone knows aiohttp.
"""

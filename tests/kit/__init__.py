"""Helpers shared by the tests.

- `pilot`: drives the program's frame as a user: keys, mouse, waiting for a condition or until nothing moves.
- `screens`: a virtual display for a real window.
- `trades`: trades as arrays.
- `numbers`: the engine's results for trades, comparable between two ways of computing them.
- `waiting`: `until` waits for another thread or process without a fixed sleep.
- `crash`: simulates the death of a process.
"""

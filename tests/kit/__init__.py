"""Helpers shared by the tests.

- `pilot`: drives the program's frame as a user: keys, mouse, waiting for a condition or until nothing moves.
- `screens`: a virtual display for a real window.
- `trades`: trades as arrays.
- `numbers`: the engine's results for trades, comparable between two ways of computing them.
- `waiting`: `until` waits for another thread or process without a fixed sleep, with one patience for all tests.
- `ports`: a port that a server may leave and take again.
- `exchange_hours`: a clock for live programs at which the exchange is open.
- `markets`: a plausible market in a local store, without the engine, and scenes of it.
- `discs`: where the discs of a scene are.
- `charted`: a pipeline with charts in local stores.
- `local_link`: a `Link` over such stores, in place of an engine process.
- `scripted_feed`: a feed that delivers what a test gives it.
- `gl_context`: fixtures for drawing without a window.
- `crash`: simulates the death of a process.
"""

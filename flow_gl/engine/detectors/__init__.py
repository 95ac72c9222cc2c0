"""Detectors of large trades, absorption, divergences of price and delta, stacked imbalances and zero crosses.

Each is one file with its definition, its state and its kernels. `run` reads the trades for all of them, `group` is what
the engine uses: trades in, events and lines out, state that can be kept and resumed.
"""

"""Detectors of large trades, absorption, divergences of price and delta, and stacked imbalances.

Each detector is one file with its definition, its kernels and its state between batches. All follow the protocol in
`base`.
"""

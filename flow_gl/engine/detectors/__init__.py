"""Detectors: where large orders acted, where they were absorbed, where price and delta disagree.

One detector a file: its definition, its kernel and what it keeps between batches. All behind the contract in `base`.
"""

"""Measurements that need the source: the tests' gateway or other libraries.

`python -m benchmarks.NAME --help`, from the root of the checkout. What runs anywhere is in `flow-gl bench`.
"""

"""The benchmarks behind `flow-gl bench NAME`: each module has `run(**options) -> dict`, and nothing imports them."""

"""The benchmarks of `flow-gl bench NAME`. A module that defines `run(**options) -> dict` is a benchmark."""

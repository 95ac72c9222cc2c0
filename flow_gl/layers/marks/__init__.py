"""The marks of the detectors' events on the chart: one module per kind, and the shared code."""

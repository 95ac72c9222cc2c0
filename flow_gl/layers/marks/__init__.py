"""What the detectors found, on the chart: one module a kind, and what they share."""

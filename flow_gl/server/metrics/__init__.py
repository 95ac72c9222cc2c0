"""Metrics for Prometheus, and the answers to whether the server is alive and ready."""

"""Prometheus metrics, and the liveness and readiness endpoints."""

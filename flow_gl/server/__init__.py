"""Serves the engine's data to other programs, from worker processes that read the store as a view does."""

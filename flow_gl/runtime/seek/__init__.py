"""Seeking in a replay: an index of its files with checkpoints, and going to any instant of it."""

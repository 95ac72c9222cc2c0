"""Gives the numbers to other programs: a process of its own that reads the store, as a view does."""

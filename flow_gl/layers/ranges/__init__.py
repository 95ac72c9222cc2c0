"""Ranges of time and what traded in them: profile, footprint, levels."""

"""Time ranges and what traded in them: profile, footprint, levels."""

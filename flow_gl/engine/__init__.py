"""The engine: computes bubbles, CVD, profile and levels from trades."""

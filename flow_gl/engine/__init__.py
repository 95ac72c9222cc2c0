"""The engine: trades in, bubbles, CVD, profile and levels out."""

"""Screenshots and video: what is drawn is read back without waiting, and encoded in a separate process."""

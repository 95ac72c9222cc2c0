"""Further windows of the program: each a process that views the same engine's stores (`further`), started, told and
closed by the first window's process (`opener`). `messages` is what they say to each other, `shared` what they share."""

"""Further windows of the program: each is a process that views the same engine's stores (`further`). The first window's
process starts, updates and closes them (`opener`). `messages` has their messages, `shared` the state in common."""

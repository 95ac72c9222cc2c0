"""The program's secondary windows.

Each is a process that reads the same engine's stores (`secondary`); the main window's process starts, updates and
closes them (`opener`). `messages` defines the protocol, `shared` the state that all windows share.
"""

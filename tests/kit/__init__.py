"""What tests share.

- `pilot`: the program's frame with a user at it: keys, mouse, "until this holds", "until nothing moves".
- `screens`: a virtual display for a real window.
- `trades`: trades as arrays; `numbers`: what the engine makes of them, to be compared between two ways.
- `waiting`: `until` for what another thread or process does; never a fixed sleep.
- `crash`: a process that dies.
"""

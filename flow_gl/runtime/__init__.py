"""The engine program: a feed in, rings and tables in shared memory out. Run as `python -m flow_gl.runtime`.

It reads one JSON line (`core.spec.EngineSpec`) and then commands (`core.commands`) from standard input, and answers
with a `Hello` or a `Failure` line on standard output. It exits when its standard input is closed, so an engine never
outlives its view. One thread does the work, in turns; a second one reads the commands.
"""

"""`flow-gl detect`: the events of many sessions under one or more sets of parameters, and what price did afterwards.

`plan` splits the files into ranges of sessions, `work` reads one range and runs the same pipeline as an export under
every set of parameters, and `pools` sends ranges to the cores of this machine or to a cluster. `continuity` checks that
a range read alone gives what it gives after the files before it. `study` puts the ranges together and keeps what was
found in the cache folder. `later` finds what price did after an event, `tables` writes the results.
"""

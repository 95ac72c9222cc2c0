"""`flow-gl detect`: the events of many sessions under one or more sets of parameters, and the price moves after them.

`plan` splits the files into ranges of sessions, `work` reads one range and runs the same pipeline as an export under
every set of parameters, and `pools` sends ranges to the cores of this machine or to a cluster. `continuity` checks that
a range read alone gives the same events as after the files before it. `study` combines the ranges and caches their
results. `later` computes the price moves after events, `tables` writes the results.
"""

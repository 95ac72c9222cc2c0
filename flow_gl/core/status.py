"""The row of the engine's status, which the view, the server and its metrics read. It is one of `core.schema`."""

from typing import Final

import numpy as np

CHARTS: Final = 9
"""Most charts of one engine: the keys 1-9."""

STATUS: Final = np.dtype(
    [
        ("pid", "<i8"),
        ("state", "<i8"),  # FeedState
        ("heartbeat", "<i8"),  # wall clock of the engine's last turn, ns
        ("anchor_wall", "<i8"),  # the feed's clock: event time at anchor_wall ...
        ("anchor_event", "<i8"),
        ("rate", "<f8"),  # ... and event seconds per wall second from there on (0: stopped)
        ("speed", "<f8"),  # replay speed as asked; inf for max
        ("progress", "<f8"),  # 0..1 of a file or a catch-up; nan where unknown
        ("trades", "<i8"),  # all instruments, since the start
        ("trades_per_second", "<f8"),
        ("behind", "<i8"),  # trades that have arrived and wait to be aggregated
        ("lag_ns", "<i8"),  # from a trade's arrival in the feed to its row, newest batch
        ("other_instruments", "<i8"),  # that arrived and are not charted
        ("feed_gaps", "<i8"),
        ("lost", "<i8"),  # records known to be lost
        ("attempt", "<i8"),  # reconnecting: which try
        ("retry_at", "<i8"),  # and when, wall ns
        ("reconnects", "<i8"),  # connections that took over from a lost one, since the start
        ("next_open", "<i8"),  # the exchange is closed until then, ns; 0 where that is not known
        ("can_seek", "<i8"),  # 1: a replay of files, which plays, pauses, steps and seeks
        ("is_held", "<i8"),  # 1: the replay is held: its clock is stopped until it is played again
        ("seeks", "<i8"),  # how often the replay has gone to another instant
        ("seek_to", "<i8"),  # where the last seek led, ns; what lies before it is of the past
        ("seeking", "<i8"),  # where the seek leads that waits for the files to be read, ns; 0 where none waits
        ("loop_start", "<i8"),  # the section that is played in a loop, ns; 0 and 0 without a loop
        ("loop_end", "<i8"),
        (
            "refusals",
            "<i8",
        ),  # number of commands that could not be executed, like a step past the end; `refusal` has the reason
        ("refusal", "S120"),
        ("first_event", "<i8"),  # first and last trade of the replay, ns
        ("last_event", "<i8"),
        ("indexed", "<f8"),  # 0..1 of the replay that has been read for its seek bar; nan before that begins
        ("compiling", "<i8"),  # 1 while kernels are being compiled
        ("tape_used", "<f8"),  # 0..1 of the tape's room that is not yet read
        ("damaged", "<i8"),  # damages and omissions met in the files that are replayed
        ("charts", "<i8"),
        ("not_found", "<i8", (CHARTS,)),  # 1: the gateway does not know this symbol
        ("message", "S240"),  # message for the user, one line
        ("is_recording", "<i8"),  # 1: a live session is recorded ...
        ("recorded", "<i8"),  # ... trades that are on the disk
        ("unrecorded", "<i8"),  # ... and that wait for it
        ("is_archiving", "<i8"),  # 1: its numbers go to a database ...
        ("archived", "<i8"),  # ... rows written
        ("unarchived", "<i8"),  # ... and that wait for it
        ("is_publishing", "<i8"),  # 1: its charts go to a bus ...
        ("on_bus", "<i8"),  # ... 1 while it is connected
        ("leases", "<i8"),  # ... charts that this engine publishes; the others are another's
        ("published", "<i8"),  # ... rows that are on the bus
        ("unpublished", "<i8"),  # ... and that wait for it
        ("unkept", "<i8"),  # 1: something cannot be kept now, or was missed; `keeping` says what
        ("keeping", "S240"),  # message about recording, archive and bus, one line
        ("dataset", "S24"),
        ("source", "S120"),  # file names, "demo seed 1", gateway
        ("timeline", "S64"),  # segment name of the replay's timeline; empty before it is begun
        ("market", "S64", (CHARTS,)),  # segment name of each chart
    ]
)
"""The engine's state, one for all its charts."""

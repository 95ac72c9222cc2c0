"""The transport bar of a replay: buttons, speed, time, and a seek bar with the session's volume, events and gaps."""

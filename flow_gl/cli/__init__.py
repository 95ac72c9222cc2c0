"""The command line. Heavy imports wait until a command needs them, so that `flow-gl --help` is fast."""

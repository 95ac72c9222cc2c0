"""A local gateway that speaks Databento's live protocol, in a process of its own, with faults at command."""

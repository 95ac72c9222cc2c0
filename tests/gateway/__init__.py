"""A local gateway that speaks Databento's live protocol in a separate process, with faults on command."""

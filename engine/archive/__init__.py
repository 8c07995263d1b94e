"""The archive: a process beside the engine that keeps what the journal says in stores that are quick to ask."""

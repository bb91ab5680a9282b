"""The store: events with all their versions, how they come in, how they are read, and how they are removed for good."""

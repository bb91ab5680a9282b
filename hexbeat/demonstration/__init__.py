"""Synthetic events for demonstration, marked as such everywhere, with the patterns that were planted in them."""

from hexbeat.demonstration.events import (
    TRUTH_FILE,
    Demonstration,
    load_demonstration,
    make_events,
    remove_demonstration,
)

__all__ = ["TRUTH_FILE", "Demonstration", "load_demonstration", "make_events", "remove_demonstration"]

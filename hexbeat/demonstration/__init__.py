"""Synthetic events for demonstration, marked as such everywhere, with the truth that was planted in them."""

from hexbeat.demonstration.events import (
    TRUTH_FILE,
    Demonstration,
    load_demonstration,
    make_events,
    remove_demonstration,
)

__all__ = ["TRUTH_FILE", "Demonstration", "load_demonstration", "make_events", "remove_demonstration"]

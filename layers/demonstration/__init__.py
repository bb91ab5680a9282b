"""Synthetic events for demonstration, marked as such everywhere, with the truth that was planted in them."""

from layers.demonstration.filling import TRUTH_FILE, load_demonstration, remove_demonstration
from layers.demonstration.generate import Demonstration, make_events

__all__ = ["TRUTH_FILE", "Demonstration", "load_demonstration", "make_events", "remove_demonstration"]

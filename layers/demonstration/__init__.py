"""Synthetic events for demonstration, marked as such everywhere, with the truth that was planted in them."""

from layers.demonstration.filling import TRUTH_FILE, fill, remove
from layers.demonstration.generate import Demonstration, make_events

__all__ = ["TRUTH_FILE", "Demonstration", "fill", "make_events", "remove"]

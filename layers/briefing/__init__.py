"""Briefings, for the daily meeting or for a shift: the few places that matter, and why."""

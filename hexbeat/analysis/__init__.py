"""Analyses of events: hotspots, change, patterns over time, rhythm, alerts, near repeats, back-test."""

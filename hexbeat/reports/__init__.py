"""Naloxone cover: who is near a place that holds it, and which next places would add most."""

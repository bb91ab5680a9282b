"""Door for people."""

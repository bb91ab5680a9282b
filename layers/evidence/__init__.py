"""Evidence packs for closure cases: restricted, and verifiable by their hash."""

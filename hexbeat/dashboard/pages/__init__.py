"""The partners' side: a map page and a data page."""

"""Parsing: texts of a file to values, moments and places, a column at a time."""

"""Parsing: texts of a file to values, timestamps and places, a column at a time."""

"""What reads events from the store: columns for screens and counts, records, and what the sources are worth."""

from layers.live import count_outside, has_demonstration, is_empty, read_columns
from layers.quality import summarise_sources
from layers.storage.records import read_live_records, read_records
from layers.storage.refresh import ColumnCache

__all__ = [
    "ColumnCache",
    "count_outside",
    "has_demonstration",
    "is_empty",
    "read_columns",
    "read_live_records",
    "read_records",
    "summarise_sources",
]

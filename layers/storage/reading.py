"""What reads events from the store: columns for screens and counts, records, and what the sources are worth."""

from layers.live import count_outside, has_demonstration, is_empty, read_columns
from layers.quality import source_summary
from layers.storage.records import live_records, records
from layers.storage.refresh import ColumnCache

__all__ = [
    "ColumnCache",
    "count_outside",
    "has_demonstration",
    "is_empty",
    "live_records",
    "read_columns",
    "records",
    "source_summary",
]

"""What an event is: its columns, the values of its fields, and its stable identifier."""

from hashlib import blake2b
from typing import Final, Literal, get_args

__all__ = [
    "DEMONSTRATION",
    "EVENT_COLUMNS",
    "PRECISIONS",
    "REJECT_REASONS",
    "REPORTERS",
    "RESOLUTIONS",
    "SKIP_REASONS",
    "Measure",
    "Precision",
    "Reporter",
    "event_id",
]

Precision = Literal["minute", "day", "month"]
Reporter = Literal["public", "officer", "sweep", "agency"]
Measure = Literal["events", "quantity"]

PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
REPORTERS: Final[tuple[Reporter, ...]] = get_args(Reporter)
RESOLUTIONS: Final = (8, 9, 10, 11)
DEMONSTRATION: Final = "demonstration"  # the source name that marks synthetic events everywhere

REJECT_REASONS: Final = (
    "unreadable_row",
    "unknown_layer",
    "missing_location",
    "impossible_location",
    "outside_area",
    "bad_date",
    "future_date",
    "end_before_start",
    "bad_quantity",
    "test_record",
    "duplicate_id",
)
SKIP_REASONS: Final = ("not_selected", "elsewhere")

# What a source gives to the store, one row an event. The store adds event_id, batch_id, recorded_at, superseded_at.
EVENT_COLUMNS: Final = (
    "layer",  # str, a name in layers.LAYERS
    "source",  # str, the profile's name
    "source_id",  # str, natural key within the source
    "lon",  # float64, WGS 84 degrees
    "lat",  # float64, WGS 84 degrees
    "occurred_from",  # int64, seconds since 1970-01-01T00:00Z
    "occurred_to",  # int64, same; equals occurred_from for an instant, else the half-open end of the interval
    "time_precision",  # str, one of PRECISIONS
    "quantity",  # int64 >= 1
    "category",  # str or None
    "reported_by",  # str, one of REPORTERS
    "status",  # str or None
    "h3_08",  # uint64
    "h3_09",  # uint64
    "h3_10",  # uint64
    "h3_11",  # uint64
    "ward_code",  # str
    "scope",  # str or None: the snapshot that the row belongs to, such as "cleveland|2024-03"
    "note",  # str or None: free text, only where the profile asks for it
)


def event_id(source: str, source_id: str) -> str:
    """The identifier of an event over all its versions: 16 hexadecimal digits, BLAKE2b of its natural key."""
    return blake2b(f"{source}\x1f{source_id}".encode(), digest_size=8).hexdigest()

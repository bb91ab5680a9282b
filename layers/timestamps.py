"""Timestamps: UTC seconds in the store, aware datetimes outside."""

from datetime import UTC, datetime

from geo.errors import UsageError

__all__ = ["from_seconds", "to_seconds"]


def to_seconds(time: datetime | None) -> int:
    """Whole seconds since 1970-01-01T00:00Z; None is now. UsageError for a datetime without a time zone."""
    if time is None:
        time = datetime.now(UTC)
    if time.tzinfo is None:
        raise UsageError("A time needs a time zone", f"{time.isoformat()} has none", "add one, such as +00:00")
    return int(time.timestamp() // 1)


def from_seconds(seconds: int) -> datetime:
    """The aware datetime, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)

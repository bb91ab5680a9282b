"""What people write on the command line, as the dates and groups that are meant."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from geo.errors import UsageError
from layers.event import RESOLUTIONS
from layers.filters import Group

__all__ = ["GROUPS", "parse_as_at", "parse_day", "parse_groups", "parse_resolution"]

GROUPS: Final[tuple[Group, ...]] = get_args(Group)
DAY_FORMATS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%d %B %Y")


def parse_day(text: str) -> date:
    """A day as 2026-11-21, 21/11/2026 or 21 Nov 2026; UsageError for anything else."""
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise UsageError(
        "A day is written 2026-11-21, 21/11/2026 or 21 Nov 2026", f"{text!r} is not", "the month is in the middle"
    )


def parse_as_at(text: str, time_zone: str) -> datetime:
    """The last second of a local day, as an aware moment: what the store knew when that day ended."""
    day_after = parse_day(text) + timedelta(days=1)
    midnight = datetime(day_after.year, day_after.month, day_after.day, tzinfo=ZoneInfo(time_zone))
    return datetime.fromtimestamp(midnight.timestamp() - 1, tz=ZoneInfo(time_zone))


def parse_groups(text: str) -> Sequence[Group]:
    """The groups of --by; UsageError for an unknown one or one named twice."""
    asked = [part.strip().lower() for part in text.split(",") if part.strip()]
    known = [group for part in asked for group in GROUPS if group == part]
    if not known or len(known) < len(asked) or len(set(known)) < len(known):
        raise UsageError(
            f"--by takes any of {', '.join(GROUPS)}, each once", f"it was given {text!r}", "for example --by ward,month"
        )
    return known


def parse_resolution(resolution: int) -> int:
    """A resolution that events are indexed at; UsageError for another."""
    if resolution not in RESOLUTIONS:
        raise UsageError(
            f"Events are indexed at H3 resolutions {', '.join(map(str, RESOLUTIONS))}",
            f"--resolution was given {resolution}",
            "9 is the usual one; 10 for plans",
        )
    return resolution

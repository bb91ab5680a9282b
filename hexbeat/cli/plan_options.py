"""The options of the plan commands: places, weights, minutes and roads as people write them."""

import datetime as dt
from collections.abc import Callable

from geo.errors import UsageError
from geo.travel import Mode
from hexbeat.areas.place_finder import find_one_place
from hexbeat.cli.answers import print_message
from hexbeat.cli.filter_options import parse_day
from hexbeat.cli.installation import Installation
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import find_starts, read_plan_settings
from hexbeat.operations.plans.roads import Travel, load_road_travel
from hexbeat.operations.plans.working_time import find_next_day, find_next_shift_day, format_working_hours
from layers.wording import format_date

__all__ = [
    "choose_day",
    "find_named_place",
    "find_revisit_minutes",
    "find_travel",
    "find_usual_start",
    "parse_minutes",
    "parse_weight",
]


def parse_weight(text: str) -> tuple[str, float]:
    """A layer and its weight from street_dealing=2; the weight is 1 if none is given. UsageError if it is no number."""
    layer, _, weight = text.partition("=")
    try:
        return layer.strip(), float(weight) if weight else 1.0
    except ValueError:
        raise UsageError(
            "The weight of a layer is a number", f"--layer is {text!r}", "write it as in street_dealing=2"
        ) from None


def parse_minutes(text: str, what: str = "of a stop", usual: str = "10-16") -> tuple[int, int]:
    """Minutes from 10-16, or one number for both. UsageError for any other text; its message names `what` they are."""
    try:
        low, high = (int(part) for part in (text.split("-") if "-" in text else (text, text)))
    except ValueError:
        raise UsageError(
            f"Minutes {what} are two whole numbers with a dash between them",
            f"it was written as {text!r}",
            f"write for example {usual}",
        ) from None
    return low, high


def choose_day(
    text: str | None,
    hours: tuple[float, float],
    now: dt.datetime,
    find_day: Callable[[tuple[float, float], dt.datetime], dt.date],
) -> dt.date:
    """The day of the option, else what `find_day` finds; a message says so where that is not today. `now` is local."""
    if text:
        return parse_day(text)
    day = find_day(hours, now)
    if day != now.date():
        print_message(
            f"Today {format_working_hours(hours)} {_explain_later_day(hours, now)}, so the plan is for {day:%A} "
            f"{format_date(day)}. Choose another day with --day."
        )
    return day


def _explain_later_day(hours: tuple[float, float], now: dt.datetime) -> str:
    """Why hours of today are not planned: they are over; or, for a sweep, have begun or are at a weekend."""
    if find_next_shift_day(hours, now) != now.date():
        return "cannot be worked any more"
    if find_next_day(hours, now) != now.date():
        return "has begun, and a sweep needs all of its hours"
    return "is at a weekend"


def find_named_place(installation: Installation, text: str | None, name: str) -> Place | None:
    """The place of an option: one of plans.toml by its name, coordinates, or one that `find` finds.

    None if the option was not given. A message says which place was found.
    """
    if not text:
        return None
    for place in read_plan_settings(installation.documents).starts:
        if place.name.casefold() == text.strip().casefold():
            return place
    match = find_one_place(text, installation.area, may_lie_outside=True)
    if match.kind == "point":
        return Place(name, match.lon, match.lat)
    print_message(f"{name}: {match.name}")
    return Place(match.name, match.lon, match.lat)


def find_revisit_minutes(installation: Installation, text: str | None) -> tuple[int, int]:
    """Fewest and most minutes between two visits of a place: from the option, else from plans.toml."""
    if text:
        return parse_minutes(text, "between visits", "90-180")
    return read_plan_settings(installation.documents).revisit_minutes


def find_usual_start(installation: Installation, kind: str) -> Place:
    """Where tours start by default: as plans.toml says, else at the first loaded station or depot.

    Without either, the middle of the area, and a message says so.
    """
    starts = find_starts(installation.documents, installation.store, installation.viewer, kind)
    if starts:
        return starts[0]
    print_message(
        f"No {kind} is loaded or set, so tours start in the middle of the area. Change this with --start LAT,LON."
    )
    return Place("Middle of the area", *installation.area.centre)


def find_travel(installation: Installation, roads: str | None, mode: Mode) -> Travel | None:
    """The road network of the option, else of plans.toml; None for great circles."""
    network = roads or read_plan_settings(installation.documents).roads
    return load_road_travel(network, mode=mode, home=installation.settings.home)

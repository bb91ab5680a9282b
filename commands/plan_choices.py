"""What people write for plans, as the hours, weights, minutes and places that are meant."""

from commands.answers import print_message
from commands.options import Installation
from geo.errors import UsageError
from geo.travel import Mode
from layers.analysis.shifts import SHIFT_HOURS
from layers.filters import parse_hours
from layers.plans.plan import Place
from layers.plans.roads import Travel, load_road_travel
from layers.plans.settings import find_starts, parse_place, read_plan_settings

__all__ = [
    "find_revisit_minutes",
    "find_travel",
    "find_usual_start",
    "parse_minutes",
    "parse_named_place",
    "parse_shift_hours",
    "parse_weight",
]


def parse_shift_hours(text: str) -> tuple[int, int]:
    """Hours as 22-04, or those of a shift by its name."""
    return SHIFT_HOURS[text.strip().lower()] if text.strip().lower() in SHIFT_HOURS else parse_hours(text)


def parse_weight(text: str) -> tuple[str, float]:
    """A layer and its weight as street_dealing=2; 1 where none is given. UsageError for what is no number."""
    layer, _, weight = text.partition("=")
    try:
        return layer.strip(), float(weight) if weight else 1.0
    except ValueError:
        raise UsageError("A layer's weight is a number", f"{text!r} has none", "write it as street_dealing=2") from None


def parse_minutes(text: str, what: str = "of a stop", usual: str = "10-16") -> tuple[int, int]:
    """Minutes as 10-16, or one number for both; UsageError, which says `what` they are, for anything else."""
    try:
        low, high = (int(part) for part in (text.split("-") if "-" in text else (text, text)))
    except ValueError:
        raise UsageError(
            f"Minutes {what} are two whole numbers with a dash between", f"{text!r} is not", f"write {usual}"
        ) from None
    return low, high


def parse_named_place(text: str | None, name: str) -> Place | None:
    """A place from an option, if it was given."""
    return parse_place(text, name=name) if text else None


def find_revisit_minutes(here: Installation, text: str | None) -> tuple[int, int]:
    """Minutes between two visits of a place: of an option, else of plans.toml."""
    if text:
        return parse_minutes(text, "between visits", "90-180")
    return read_plan_settings(here.settings.home).revisit_minutes


def find_usual_start(here: Installation, kind: str) -> Place:
    """Where tours begin when nobody says: plans.toml, else the first loaded station or depot, else the area's middle.

    The last is a stopgap, and that is said.
    """
    known = find_starts(here.settings.home, here.store, here.viewer, kind)
    if known:
        return known[0]
    print_message(f"No {kind} is loaded and none is set: tours begin in the middle of the area; give --start LAT,LON.")
    return Place("Middle of the area", *here.area.centre)


def find_travel(here: Installation, roads: str | None, mode: Mode) -> Travel | None:
    """The road network of an option, else of plans.toml; None: great circles."""
    chosen = roads or read_plan_settings(here.settings.home).roads
    return load_road_travel(chosen, mode=mode, home=here.settings.home)

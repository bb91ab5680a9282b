"""What a load must meet as a whole, and what it says of all its files together."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from geo.errors import DataError, PolicyError
from hexbeat.areas.addresses import AddressFinder
from hexbeat.areas.area import Area
from hexbeat.ingest.sources import ColumnRoles, SourceProfile
from hexbeat.store.live_columns import has_demonstration
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.access import Viewer
from layers.catalogue import LAYERS
from layers.event import REPORTERS, SKIP_REASONS
from layers.wording import format_date, format_list

__all__ = [
    "NoGazetteerError",
    "describe_future",
    "describe_repeats",
    "describe_shared_scopes",
    "describe_unknown_reporters",
    "require_places",
    "require_real_store",
    "require_usable",
]

# The likely cause where every row of a file has the same fault, as a hint.
_CAUSES: Final = {
    "unreadable_row": "put quotes around texts that contain the delimiter, and close them",
    "missing_location": "name the columns of the place in a source profile",
    "impossible_location": "check the order of the coordinates, and their system in the source profile",
    "outside_area": "check --area, and the coordinate system in the source profile",
    "bad_date": "name the date's column and format in a source profile",
    "unknown_layer": "name the layer with --layer, or correct its words",
    "bad_quantity": "name the column of the quantity in a source profile",
    "test_record": "the file holds only test records: load the real ones",
}
_NO_POINTS: Final = 'its shapes are no points: convert them, or set location.shapes = "inside_point" in the profile'
MOST_FUTURE: Final = 0.5  # the share of rows dated after today from which on the clock is more likely to be wrong
# From this share of the selected rows on, and this number, identifiers that came before in their file are no accident.
MOST_REPEATED: Final = 0.1
FEWEST_REPEATED: Final = 3
MOST_NAMED: Final = 6


class NoGazetteerError(DataError):
    """A file has postcodes or streets and no coordinates, and its area has no gazetteer. `area` is the area's name."""

    def __init__(self, file: str, heading: str, area: Area) -> None:
        super().__init__(
            f"A file without coordinates needs a gazetteer of {area.title}",
            f"{file} has its places in the column {heading[:40]}, and there is no gazetteer to find them in",
            "add coordinates to the file, or have a gazetteer built",
        )
        self.area = area.name


def require_places(
    file: str, plan: ColumnRoles, profile: SourceProfile, finder: AddressFinder | None, *, area: Area
) -> None:
    """NoGazetteerError if all places of a file are addresses, and no gazetteer is there to find them in."""
    if finder is None and plan.address_columns and not plan.has_coordinates and profile.records != "features":
        raise NoGazetteerError(file, plan.address_columns[0], area)


def require_real_store(store: Store, viewer: Viewer) -> None:
    """PolicyError if the store holds demonstration events: real records are never mixed with invented ones."""
    if has_demonstration(store, viewer):
        raise PolicyError(
            "Real records and demonstration events never share a store",
            "this store holds demonstration events",
            "remove them with `hexbeat demo --remove`, or choose another home (--home); nothing was changed",
        )


def require_usable(
    name: str, tally: FileTally, now: datetime, *, likely_cause: str | None = None, has_shapes: bool = False
) -> None:
    """DataError, which changes nothing, if every row of a file that the profile selects is rejected.

    `likely_cause` is a hint that the file itself gives; `has_shapes` whether its places are shapes.
    """
    if tally.accepted or not tally.rejected:
        return
    reasons = {reason: n for reason, n in tally.reasons.items() if reason not in SKIP_REASONS}
    commonest = max(reasons, key=lambda reason: reasons[reason])
    counts = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
    hint = likely_cause or _CAUSES.get(commonest, "a dry run shows the first rows of each reason")
    if commonest == "unreadable_row" and has_shapes:
        hint = _NO_POINTS
    if commonest == "future_date":
        hint = f"check the clock of this machine: it says {format_date(now.date())}"
    raise DataError(
        "A load needs at least one row that can be used", f"every row of {name} was rejected: {counts}", hint
    )


def describe_future(name: str, tally: FileTally, now: datetime) -> tuple[str, ...]:
    """A sentence, if so many rows are dated after today that this machine's clock may be wrong; else none."""
    future, checked = tally.reasons.get("future_date", 0), tally.accepted + tally.rejected
    if not checked or future <= MOST_FUTURE * checked:
        return ()
    remark = (
        f"{name}: {future:,} of {checked:,} rows are dated after today. This machine's clock says "
        f"{format_date(now.date())}; if that is wrong, correct it and load the file again"
    )
    return (remark,)


def describe_repeats(name: str, tally: FileTally) -> tuple[str, ...]:
    """A sentence, if so many identifiers came before in the file that its numbers may begin again; else none."""
    repeated = tally.reasons.get("duplicate_id", 0)
    if repeated < max(FEWEST_REPEATED, MOST_REPEATED * (tally.accepted + tally.rejected)):
        return ()
    remark = (
        f"{name}: {repeated:,} rows have an identifier that came before in this file. If the numbers begin again, take "
        "the date into the key of a source profile"
    )
    return (remark,)


def describe_unknown_reporters(name: str, number: int) -> tuple[str, ...]:
    """A sentence, if a number of rows name a reporter that the profile does not know; else none."""
    if not number:
        return ()
    rows = f"{number:,} row{'s name' if number > 1 else ' names'}"
    remark = f"{name}: {rows} a reporter other than {', '.join(REPORTERS)}; {_describe_usual_reporters()}"
    return (remark,)


def _describe_usual_reporters() -> str:
    """As in "such rows count as reported by public, or by agency for overdoses and closed properties"."""
    others = {word: [spec.many for spec in LAYERS if spec.usual_reporter == word] for word in REPORTERS[1:]}
    exceptions = [f", or by {word} for {format_list(layers)}" for word, layers in others.items() if layers]
    return f"such rows count as reported by {REPORTERS[0]}{''.join(exceptions)}"


def describe_shared_scopes(scopes_by_file: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    """A sentence on the parts of snapshots that several files of one load hold, and that are added up; else none."""
    number_by_scope: dict[str, int] = {}
    for _, scopes in scopes_by_file:
        for scope in set(scopes):
            number_by_scope[scope] = number_by_scope.get(scope, 0) + 1
    shared = _name_scopes(number_by_scope)
    if not shared:
        return ()
    return (f"Several files hold {format_list(shared, most=MOST_NAMED)}: they add up, and equal rows count once",)


def _name_scopes(number_by_scope: Mapping[str, int]) -> list[str]:
    return [scope.replace("|", ", ") for scope, number in sorted(number_by_scope.items()) if number > 1]

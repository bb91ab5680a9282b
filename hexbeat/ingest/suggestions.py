"""Suggests a source profile for a file: one that fits it, or a new one from its columns, with the reasons."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from geo.errors import DataError
from hexbeat.ingest.column_guesses import (
    PARTS,
    ColumnGuess,
    find_doubtful_columns,
    guess_columns,
    guess_formats,
    guess_layer,
)
from hexbeat.ingest.readers import ReadOptions, TextTable, detect_records, open_file, open_members
from hexbeat.ingest.reporter_words import NO_REPORTERS, find_reporter_words
from hexbeat.ingest.sources.column_plan import ColumnRoles, assign_columns
from hexbeat.ingest.sources.profile import (
    Choice,
    Condition,
    Key,
    Location,
    SourceProfile,
    Times,
    parse_profile,
)
from hexbeat.ingest.sources.profile_files import build_source_name, list_profiles
from hexbeat.ingest.unused_columns import UnusedColumn, describe_offer, find_unused_columns, use_columns
from layers.catalogue import LAYER_NAMES, find_layer
from layers.event import REPORTERS
from layers.wording import format_list

__all__ = [
    "Suggestion",
    "add_date_to_key",
    "complete_suggestion",
    "find_missing_parts",
    "make_profile",
    "suggest_profile",
]

LOOK_ROWS: Final = 2_000
MOST_MEMBERS: Final = 6  # of an archive, that are looked at
GENERAL: Final = ("table", "geofile")  # tried after all others
MIDNIGHT: Final = re.compile(r"(?:^|[\sT])(?:0?0:00(?::00)?(?![:\d])|12:00(?::00)?\s*a\.?m)", re.IGNORECASE)
CLOSED: Final = re.compile(r"clos|resol|complet|finish|fixed", re.IGNORECASE)  # the end of a ticket, not of an incident
MIDNIGHTS: Final = 0.2  # the share of midnights above which they cannot be times of day
CENTRE: Final = r"(center|centre|centroid) of"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A guess of what a file is. `source` names the profile that fits (None: none); `profile` is that or a new one."""

    file: str
    source: str | None
    profile: SourceProfile
    reasons: tuple[str, ...]
    columns: tuple[ColumnGuess, ...]
    unused: tuple[UnusedColumn, ...] = ()  # the columns that the profile does not read
    missing: tuple[str, ...] = ()  # what the profile lacks before it can be used, as in "a column for the place"

    def as_dict(self) -> dict[str, Any]:
        """For machines: guess, reasons, and a row a column (column, part, reason, samples)."""
        return {
            "file": self.file,
            "guess": self.source or "a new source",
            "reasons": list(self.reasons),
            "columns": [
                {"column": c.column, "part": c.part or "", "reason": c.reason, "samples": ", ".join(c.samples)}
                for c in self.columns
            ],
        }

    def toml(self) -> str:
        """The proposed profile, with the reasons as comments."""
        return "".join(f"# {reason}\n" for reason in self.reasons) + self.profile.toml()


def complete_suggestion(suggestion: Suggestion, *, name: str) -> Suggestion:
    """The suggestion under another name, with the columns that look as if they should be read.

    DataError if it lacks columns, or if a profile cannot have that name: such a profile could not be read again.
    """
    if suggestion.missing:
        raise DataError(
            "A source profile needs columns for the place and the date",
            f"in {suggestion.file} no column looks like {format_list(suggestion.missing, conjunction='or')}",
            "nothing was written; write the profile by hand, with the keys in docs/sources.md, or add such columns",
        )
    offers = [column for column in suggestion.unused if column.part]
    profile = use_columns(suggestion.profile, offers, name=name)
    parse_profile(profile.toml(), name=name)
    return replace(suggestion, profile=profile)


def add_date_to_key(profile: SourceProfile, plan: ColumnRoles, *, name: str) -> SourceProfile:
    """A profile of another name in which identifier and date together are the key: for numbers that begin again."""
    return replace(profile, name=name, key=replace(profile.key, columns=(*plan.key, plan.start[0]), first_of=()))


def suggest_profile(
    path: Path,
    *,
    profiles: Sequence[SourceProfile] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> Suggestion:
    """A guess of what a file is: one of these profiles (None: the built-in ones) that fits it, or a new one.

    Of an archive, the first member that a profile fits is looked at, or else its first member. A `sheet` and an
    `encoding` that are named stand in the proposed profile. DataError if the file cannot be read at all.
    """
    with open_members(path, most=MOST_MEMBERS) as files:
        suggestions = (_suggest_for_member(member.path, profiles, sheet, encoding) for member in files.members)
        first = next(suggestions)
        fitting = (
            first if first.source else next((suggestion for suggestion in suggestions if suggestion.source), first)
        )
    return fitting if len(files.members) == 1 and files.members[0].path == path else replace(fitting, file=path.name)


def _suggest_for_member(
    path: Path, profiles: Sequence[SourceProfile] | None, sheet: str | None, encoding: str | None
) -> Suggestion:
    records = detect_records(path)
    options = ReadOptions(records=records, shapes="inside_point", sheet=sheet, encoding=encoding)
    with open_file(path, options) as opened:
        columns = tuple(name for name in dict.fromkeys(opened.columns) if name)
        frame = next(iter(opened.chunks(columns))).frame.head(LOOK_ROWS)
    guesses = tuple(guess_columns(frame, has_shapes=records != "rows"))
    fitting = _find_fitting(path, opened, records, profiles)
    if fitting is not None:
        doubts = find_doubtful_columns(frame, _find_parts(fitting, opened, path.name))
        unused = find_unused_columns(columns, assign_columns(fitting, opened.columns, name=path.name), frame=frame)
        offers = [f"{describe_offer(column)}, and {fitting.name} does not read it" for column in unused if column.part]
        offers += _describe_reporters(unused)
        reasons = [f"It has every column that {fitting.name} needs", *doubts, *offers, *opened.remarks]
        return Suggestion(path.name, fitting.name, fitting, tuple(reasons), guesses, unused)
    parts = {guess.column: guess.part for guess in guesses if guess.part}
    reasons = [f"{guess.column} is {_name_part(guess.part)}: {guess.reason}" for guess in guesses if guess.part]
    profile, remarks = _propose_profile(path, frame, parts, records)
    profile = replace(profile, sheet=sheet, encoding=encoding)
    missing = find_missing_parts(parts, records)
    unused = (
        ()
        if missing
        else find_unused_columns(columns, assign_columns(profile, opened.columns, name=path.name), frame=frame)
    )
    offers = [f"{describe_offer(column)}" for column in unused if column.part] + _describe_reporters(unused)
    return Suggestion(
        path.name, None, profile, (*reasons, *remarks, *offers, *opened.remarks), guesses, unused, missing
    )


def _describe_reporters(unused: Sequence[UnusedColumn]) -> list[str]:
    """How the values of a column that is offered as who reported it are read, and what to check of them."""
    return [remark for column in unused for remark in column.reporters.describe(column.column)]


def _name_part(part: str) -> str:
    """As in "the longitude", "who reported it"."""
    return PARTS[part] if part == "reported_by" else f"the {PARTS[part]}"


def find_missing_parts(parts: Mapping[str, str], records: str) -> tuple[str, ...]:
    """What a profile of these columns lacks before it can be used: "a place", "a date"."""
    part_names = set(parts.values())
    has_place = (
        records != "rows"
        or part_names & {"grid_ref", "lat_lon", "postcode", "street"}
        or {"lon", "lat"} <= part_names
        or {"x", "y"} <= part_names
    )
    lacks = {"a place": not has_place, "a date": not part_names & {"start"} and not {"year", "month"} <= part_names}
    return tuple(name for name, is_missing in lacks.items() if is_missing)


def _find_fitting(
    path: Path, opened: TextTable, records: str, profiles: Sequence[SourceProfile] | None
) -> SourceProfile | None:
    profiles = list_profiles(None) if profiles is None else profiles
    for profile in sorted(profiles, key=lambda profile: profile.name in GENERAL):
        if profile.records != records or (profile.file_name and not re.search(profile.file_name, path.name)):
            continue
        try:
            assign_columns(profile, opened.columns, name=path.name)
        except DataError:
            continue
        return profile
    return None


def _find_parts(profile: SourceProfile, opened: TextTable, name: str) -> dict[str, str]:
    """The columns of place and quantity that a profile reads from the file, each with its part (a key of `PARTS`)."""
    plan = assign_columns(profile, opened.columns, name=name)
    british = profile.location.crs == "EPSG:27700"
    parts = dict(zip(plan.lon_lat or (), ("lon", "lat"), strict=False))
    parts |= dict(zip((plan.x_y or ()) if british else (), ("x", "y"), strict=False))
    return parts | ({plan.quantity: "quantity"} if plan.quantity else {})


def _propose_profile(
    path: Path, frame: pd.DataFrame, parts: Mapping[str, str], records: str
) -> tuple[SourceProfile, list[str]]:
    """A proposed profile, and remarks on what to check in it."""
    remarks: list[str] = []
    values = {str(name): [text for text in frame[name] if text][:200] for name in frame.columns}
    layer = guess_layer(path.stem, values)
    remarks.append(
        f"The layer is {find_layer(layer[0]).title.lower()}: {layer[1]}"
        if layer
        else "CHECK: the file does not show which layer this is"
    )
    start = next((column for column, part in parts.items() if part == "start"), None)
    guessed_formats = guess_formats(values[start]) if start and values[start] else None
    if guessed_formats:
        remarks.append(f"The format of the dates is {guessed_formats[1]}")
    has_midnights = bool(start) and sum(bool(MIDNIGHT.search(text)) for text in values[start or ""]) > MIDNIGHTS * len(
        values[start or ""]
    )
    if has_midnights:
        remarks.append("A time of exactly midnight means that only the day is known")
    remarks += [f"CHECK: no column looks like {part}" for part in find_missing_parts(parts, records)]
    by_address = [column for column, part in parts.items() if part in ("postcode", "street")]
    if by_address:
        remarks.append(
            f"CHECK: only {format_list(by_address)} {'says' if len(by_address) == 1 else 'say'} where; rows are placed "
            "by the gazetteer of the area, to the postcode or the street"
        )
    doubtful = tuple(
        Condition(column=(name,), matches=CENTRE)
        for name, texts in values.items()
        if any(re.search(CENTRE, text, re.IGNORECASE) for text in frame[name])
    )
    remarks += [
        f"Rows count as without a place if {rule.column[0]} says that the place is a centre" for rule in doubtful
    ]
    reporter = next((column for column, part in parts.items() if part == "reported_by"), None)
    reporters = find_reporter_words(frame[reporter]) if reporter else NO_REPORTERS
    remarks += reporters.describe(reporter) if reporter else []
    profile = make_profile(
        build_source_name(path.name), parts, layer=layer[0] if layer else LAYER_NAMES[0], records=records,
        reporters=dict(reporters.words),
        formats=guessed_formats[0] if guessed_formats else (), doubtful=doubtful, midnight_is_day=has_midnights,
    )  # fmt: skip
    return profile, remarks


def make_profile(  # noqa: PLR0913  # the choices of one profile, all by name
    name: str,
    parts: Mapping[str, str],
    *,
    layer: str,
    title: str = "",
    formats: tuple[str, ...] = (),
    records: str = "rows",
    doubtful: tuple[Condition, ...] = (),
    midnight_is_day: bool = False,
    reporters: Mapping[str, str] | None = None,
) -> SourceProfile:
    """A profile from the meaning of each column (a key of `PARTS`), such as a person chooses on a screen.

    `layer` is that of all rows. `reporters` maps words in the column of who reported it to a reporter. Eastings and
    northings are of the National Grid. A profile without columns for a place or a date can be made, but is refused when
    it is saved.
    """
    columns_by_part = {
        part: tuple(column for column, part_of_column in parts.items() if part_of_column == part)
        for part in set(parts.values())
    }
    location = Location(
        lon=columns_by_part.get("lon", ()), lat=columns_by_part.get("lat", ()),
        x=columns_by_part.get("x", ()), y=columns_by_part.get("y", ()),
        crs="EPSG:27700" if "x" in columns_by_part else None,
        grid_ref=columns_by_part.get("grid_ref", ()), lat_lon=columns_by_part.get("lat_lon", ()),
        postcode=columns_by_part.get("postcode", ()), street=columns_by_part.get("street", ()),
        doubtful=doubtful,
    )  # fmt: skip
    return SourceProfile(
        name=name,
        title=title or name.replace("-", " ").capitalize(),
        layer=Choice(value=layer),
        records=records,
        location=location,
        time=Times(
            start=columns_by_part.get("start", ()),
            year=columns_by_part.get("year", ()),
            month=columns_by_part.get("month", ()),
            day=columns_by_part.get("day", ()),
            clock=columns_by_part.get("clock", ()),
            end=columns_by_part.get("end", ()),
            end_of="states" if any(CLOSED.search(name) for name in columns_by_part.get("end", ())) else "all",
            formats=formats,
            order="file",
            midnight_is_day=midnight_is_day,
        ),
        key=Key(columns=columns_by_part.get("key", ())),
        category=Choice(column=columns_by_part.get("category", ())),
        status=Choice(column=columns_by_part.get("status", ())),
        quantity=columns_by_part.get("quantity", ()),
        reported_by=Choice(
            column=columns_by_part.get("reported_by", ()),
            values={word: word for word in REPORTERS if "reported_by" in columns_by_part},
            containing=dict(reporters or {}) if "reported_by" in columns_by_part else {},
        ),
    )

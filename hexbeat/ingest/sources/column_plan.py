"""Finds the column of a file for each part of an event, by the source profile."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from geo.errors import DataError
from hexbeat.ingest.sources.profile import Condition, SourceProfile, Times

__all__ = ["ColumnRoles", "assign_columns", "has_columns"]

MOST_SHOWN = 12  # headings in a message
_ADDRESSES = {"postcode": ("postcodes", r"post.?code|^pcds?$|^zip"), "street": ("streets", r"street|^road|address")}
_WORDS_OF_DATES = re.compile(
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|mon|tues?|wed|thu|fri|sat|sun)[a-z]*"
    r"|st|nd|rd|th|t|z|utc|gmt|bst|[ap]m?|[nesw]",
    re.IGNORECASE,
)
_PLACE = re.compile(r"[A-Z]{2}\s*\d{2,5}\s*\d{2,5}|[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}", re.IGNORECASE)
_NO_HEADINGS = ("its first row looks like a record, not like headings", "put a row of headings above the records")
HINT = "name the columns in a source profile; `hexbeat sources suggest FILE` writes one"


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """The headings of one file that are read, by part; None or empty for a part without one."""

    layer: str | None
    lon_lat: tuple[str, str] | None
    x_y: tuple[str, str] | None
    grid_ref: str | None
    lat_lon: str | None
    postcode: str | None
    street: str | None
    ward: str | None  # of the street
    location_precision: str | None
    location_precision_m: str | None
    start: tuple[str, ...]
    start_parts: tuple[str, ...]  # year, month, and those of day, hour and minute that there are: instead of `start`
    has_day: bool
    clock: str | None
    end: str | None
    precision: str | None
    never_before: str | None
    key: tuple[str, ...]
    scope: tuple[str, ...]  # headings, or "file:NAME"
    category: str | None
    status: str | None
    reported_by: str | None
    quantity: str | None
    note: str | None
    keep: tuple[tuple[str, Condition], ...]
    drop: tuple[tuple[str, Condition], ...]
    tests: tuple[tuple[str, Condition], ...]
    doubtful: tuple[tuple[str, Condition], ...]

    @property
    def has_coordinates(self) -> bool:
        """Whether a column holds coordinates; the shapes of a geofile do not count."""
        return bool(self.lon_lat or self.x_y or self.grid_ref or self.lat_lon)

    @property
    def address_columns(self) -> tuple[str, ...]:
        """The headings of postcode, street and its ward.

        They are no content: a row with coordinates does not change by them.
        """
        return tuple(dict.fromkeys(name for name in (self.postcode, self.street, self.ward) if name))

    @property
    def content_columns(self) -> tuple[str, ...]:
        """The headings that make up the content of a row, and that a reject shows: all but those of test rules."""
        pairs = [name for pair in (self.lon_lat, self.x_y) if pair for name in pair]
        parts = [
            self.layer,
            *pairs,
            self.grid_ref,
            self.lat_lon,
            *self.start,
            *self.start_parts,
            self.clock,
            self.end,
            self.precision,
        ]
        more = [self.never_before, *self.key, *(part for part in self.scope if not part.startswith("file:"))]
        words = [self.category, self.status, self.reported_by, self.quantity, self.note]
        rules = [name for name, _ in (*self.keep, *self.drop)]
        return tuple(dict.fromkeys(name for name in (*parts, *more, *words, *rules) if name))

    @property
    def identity_columns(self) -> tuple[str, ...]:
        """Those of the content that stay as they are when a record is worked on: no status, end or note."""
        changing = {self.status, self.end, self.note, self.never_before}
        lasting = {*self.start, *self.key, self.layer, self.category, self.quantity, self.clock, self.precision}
        return tuple(name for name in self.content_columns if name not in changing - lasting)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every heading that is read. How well a place is known is no content: a row that says so stays the same."""
        tests = (name for name, _ in (*self.tests, *self.doubtful))
        places = (name for name in (self.location_precision, self.location_precision_m) if name)
        return tuple(dict.fromkeys([*self.content_columns, *self.address_columns, *tests, *places]))


def assign_columns(
    profile: SourceProfile, headings: Sequence[str], *, name: str, has_layer: bool = False
) -> ColumnRoles:
    """The plan for a file called `name` with these headings; DataError names what it lacks and what it has.

    `has_layer`: the layer is given otherwise, so no column is needed for it. Case, spaces, hyphens and underscores of
    headings do not matter.
    """
    find = _Finder(name, tuple(headings))
    place, time, features = profile.location, profile.time, profile.records == "features"
    fixed = profile.layer.value or (profile.layer.default and not profile.layer.column)
    lon_lat, x_y = find.find_pair(place.lon, place.lat), find.find_pair(place.x, place.y)
    grid_ref, lat_lon = find.find_first(place.grid_ref), find.find_first(place.lat_lon)
    has_coordinates = bool(lon_lat or x_y or grid_ref or lat_lon or features)
    postcode = find.find_address(place.postcode, is_spare=has_coordinates)
    street = find.find_address(place.street, is_spare=has_coordinates)
    if not (has_coordinates or postcode or street):
        raise find.build_missing_place_error(_describe_location(profile))
    start = tuple(heading for names in time.start if (heading := find.find_first((names,))))
    parts, has_day = find.find_date_parts(time)
    if parts and set(start) <= set(parts):  # a column month beside a year is a part
        start = ()
    elif start:
        parts, has_day = (), False
    if not start and not parts:
        raise find.build_missing_error(
            f"a column for when it happened ({', '.join((time.start or (*time.year, *time.month))[:4])})"
        )
    return ColumnRoles(
        layer=None if fixed else find.layer(profile.layer.column, required=not has_layer),
        lon_lat=lon_lat,
        x_y=x_y,
        grid_ref=grid_ref,
        lat_lon=lat_lon,
        postcode=postcode,
        street=street,
        ward=find.find_address(place.ward, is_spare=has_coordinates) if street else None,
        location_precision=find.find_optional(place.precision_column),
        location_precision_m=find.find_optional(place.precision_m_column),
        start=tuple(dict.fromkeys(start)),
        start_parts=parts,
        has_day=has_day,
        clock=find.find_optional(time.clock),
        end=find.find_optional(time.end),
        precision=find.find_optional(time.precision_column),
        never_before=find.require_first(time.never_before) if time.never_before else None,
        key=tuple(find.require_first((column,)) for column in profile.key.columns)
        or find.find_as_tuple(profile.key.first_of),
        scope=tuple(
            part if part.startswith("file:") else find.require_first((part,))
            for part in (profile.snapshot.scope if profile.snapshot else ())
        ),
        category=find.find_optional(profile.category.column),
        status=find.find_optional(profile.status.column),
        reported_by=find.find_optional(profile.reported_by.column),
        quantity=find.find_optional(profile.quantity),
        note=find.find_optional(profile.note),
        keep=find.conditions(profile.keep),
        drop=find.conditions(profile.drop),
        tests=find.conditions(profile.test_records),
        doubtful=find.conditions(place.doubtful),
    )


def has_columns(profile: SourceProfile, headings: Sequence[str], *, has_layer: bool = False) -> bool:
    """Whether headings have every column that the profile needs."""
    try:
        assign_columns(profile, headings, name="", has_layer=has_layer)
    except DataError:
        return False
    return True


def _describe_location(profile: SourceProfile) -> str:
    place = profile.location
    kinds = [
        f"{place.lon[0]} and {place.lat[0]}" if place.lon and place.lat else "",
        f"{place.x[0]} and {place.y[0]}" if place.x and place.y else "",
        *(names[0] for names in (place.grid_ref, place.lat_lon, place.postcode, place.street) if names),
    ]
    return f"columns for the place ({', or '.join(kind for kind in kinds if kind)})"


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds headings of one file."""

    name: str
    headings: tuple[str, ...]

    def find_first(self, names: Sequence[str]) -> str | None:
        """The first of the names that the file has; None if it has none. DataError if two columns match it."""
        for heading_wanted in names:
            exact = [heading for heading in self.headings if heading == heading_wanted]
            matches = exact or [
                heading for heading in self.headings if _fold_heading(heading) == _fold_heading(heading_wanted)
            ]
            if len(matches) > 1:
                raise DataError(
                    f"{self.name} has to have only one column for {heading_wanted}",
                    f"it has {len(matches)}: {', '.join(matches)}",
                    "rename or delete the others",
                )
            if matches:
                return matches[0]
        return None

    def find_address(self, names: Sequence[str], *, is_spare: bool) -> str | None:
        """As `find_first`; None too if two columns match it in a file with coordinates, which can do without it."""
        try:
            return self.find_first(names)
        except DataError:
            if is_spare:
                return None
            raise

    def require_first(self, names: Sequence[str]) -> str:
        """The first of the names that the file has; DataError if it has none."""
        heading = self.find_first(names)
        if heading is None:
            raise self.build_missing_error(f"a column {' or '.join(names)}")
        return heading

    def find_optional(self, names: Sequence[str]) -> str | None:
        """The first of the names that the file has. A single name is required; of several, None if it has none."""
        return self.require_first(names) if len(names) == 1 else self.find_first(names)

    def find_as_tuple(self, names: Sequence[str]) -> tuple[str, ...]:
        """The first of the names that the file has, in a tuple; an empty tuple if it has none."""
        heading = self.find_first(names)
        return (heading,) if heading else ()

    def find_date_parts(self, time: Times) -> tuple[tuple[str, ...], bool]:
        """The columns of year, month, day, hour and minute that the file has, and whether it has days.

        None of them unless it has a year and a month; no hours without days.
        """
        year, month = self.find_optional(time.year), self.find_optional(time.month)
        if not year or not month:
            return (), False
        day = self.find_optional(time.day)
        hour = self.find_optional(time.hour) if day else None
        minute = self.find_optional(time.minute) if hour else None
        return tuple(name for name in (year, month, day, hour, minute) if name), day is not None

    def find_pair(self, first: Sequence[str], second: Sequence[str]) -> tuple[str, str] | None:
        """A heading for each of two lists of names; None unless the file has both."""
        first_heading, second_heading = self.find_first(first), self.find_first(second)
        return (first_heading, second_heading) if first_heading and second_heading else None

    def layer(self, names: Sequence[str], *, required: bool) -> str | None:
        """The column that says the layer."""
        heading = self.find_first(names)
        if heading is None and required:
            what = f"a column that says the layer ({', '.join(names[:3])})"
            if self.looks_like_record():
                raise DataError(f"{self.name} needs {what}", *_NO_HEADINGS)
            raise DataError(
                f"{self.name} needs {what}",
                f"it has {self.format_headings()}",
                "name the layer of the whole file when you load it, or write it in a source profile",
            )
        return heading

    def conditions(self, rules: Sequence[Condition]) -> tuple[tuple[str, Condition], ...]:
        return tuple((self.require_first(rule.column), rule) for rule in rules)

    def build_missing_error(self, what: str) -> DataError:
        if self.looks_like_record():
            return DataError(f"{self.name} needs {what}", *_NO_HEADINGS)
        return DataError(f"{self.name} needs {what}", f"it has {self.format_headings()}", HINT)

    def looks_like_record(self) -> bool:
        """Whether half of the headings are values: then they are of a person's record, and no message has them."""
        filled = [heading for heading in self.headings if heading.strip()]
        return bool(filled) and 2 * sum(map(_is_value, filled)) >= len(filled)

    def build_missing_place_error(self, what: str) -> DataError:
        """As `build_missing_error`; a column of postcodes or streets is named, because people take it for a place."""
        for key, (kind, pattern) in () if self.looks_like_record() else _ADDRESSES.items():
            heading = next((name for name in self.headings if re.search(pattern, name, re.IGNORECASE)), None)
            if heading:
                return DataError(
                    f"{self.name} needs {what}",
                    f"it has a column of {kind} ({heading[:40]}), which this source does not read as places",
                    f"name it as location.{key} in a source profile, or add coordinates to the file",
                )
        return self.build_missing_error(what)

    def format_headings(self) -> str:
        """The headings, for a message."""
        names = [heading[:40] for heading in self.headings if heading]
        return ", ".join(names[:MOST_SHOWN]) + (
            f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
        )


def _is_value(heading: str) -> bool:
    """Whether a heading is a number, a date, a coordinate, a grid reference or a postcode."""
    if _PLACE.fullmatch(heading.strip()):
        return True
    words = re.findall(r"[^\W\d_]+", heading)
    return any(letter.isdecimal() for letter in heading) and all(map(_WORDS_OF_DATES.fullmatch, words))


def _fold_heading(heading: str) -> str:
    return re.sub(r"[\s_\-\xa0]+", "", heading).casefold()

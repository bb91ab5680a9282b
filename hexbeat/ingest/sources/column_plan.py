"""Which column of a file holds what, by the source profile."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from geo.errors import DataError
from hexbeat.ingest.sources.profile import Condition, SourceProfile

__all__ = ["ColumnRoles", "assign_columns"]

SHOWN = 12  # headings in a message
HINT = "name the columns in a source profile; `hexbeat sources suggest FILE` writes one"


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """The headings of one file that are read, part by part; None or empty where there is none for a part."""

    layer: str | None
    lon_lat: tuple[str, str] | None
    x_y: tuple[str, str] | None
    grid_ref: str | None
    lat_lon: str | None
    start: tuple[str, ...]
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
    def told(self) -> tuple[str, ...]:
        """Headings that a reject shows, and of which the content of a row consists: all but those of test rules."""
        pairs = [name for pair in (self.lon_lat, self.x_y) if pair for name in pair]
        parts = [self.layer, *pairs, self.grid_ref, self.lat_lon, *self.start, self.clock, self.end, self.precision]
        more = [self.never_before, *self.key, *(part for part in self.scope if not part.startswith("file:"))]
        words = [self.category, self.status, self.reported_by, self.quantity, self.note]
        rules = [name for name, _ in (*self.keep, *self.drop)]
        return tuple(dict.fromkeys(name for name in (*parts, *more, *words, *rules) if name))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every heading that is read."""
        return tuple(dict.fromkeys([*self.told, *(name for name, _ in (*self.tests, *self.doubtful))]))


def assign_columns(
    profile: SourceProfile, headings: Sequence[str], *, name: str, has_layer: bool = False
) -> ColumnRoles:
    """The plan for a file called `name` with these headings; DataError names what it lacks and what it has.

    `has_layer`: a layer is given from outside, so no column is needed for it. Headings match but for case, blanks,
    hyphens and underscores.
    """
    find = _Finder(name, tuple(headings))
    place, time, features = profile.location, profile.time, profile.records == "features"
    fixed = profile.layer.value or (profile.layer.default and not profile.layer.column)
    lon_lat, x_y = find.pair(place.lon, place.lat), find.pair(place.x, place.y)
    grid_ref, lat_lon = find.any(place.grid_ref), find.any(place.lat_lon)
    if not (lon_lat or x_y or grid_ref or lat_lon or features):
        raise find.lacks(_describe_location(profile))
    start = tuple(found for names in time.start if (found := find.any((names,))))
    if not start:
        raise find.lacks(f"a column for when it happened ({', '.join(time.start[:4])})")
    return ColumnRoles(
        layer=None if fixed else find.layer(profile.layer.column, required=not has_layer),
        lon_lat=lon_lat,
        x_y=x_y,
        grid_ref=grid_ref,
        lat_lon=lat_lon,
        start=tuple(dict.fromkeys(start)),
        clock=find.some(time.clock),
        end=find.some(time.end),
        precision=find.some(time.precision_column),
        never_before=find.one(time.never_before) if time.never_before else None,
        key=tuple(find.one((column,)) for column in profile.key.columns) or find.as_tuple(profile.key.first_of),
        scope=tuple(
            part if part.startswith("file:") else find.one((part,))
            for part in (profile.snapshot.scope if profile.snapshot else ())
        ),
        category=find.some(profile.category.column),
        status=find.some(profile.status.column),
        reported_by=find.some(profile.reported_by.column),
        quantity=find.some(profile.quantity),
        note=find.some(profile.note),
        keep=find.conditions(profile.keep),
        drop=find.conditions(profile.drop),
        tests=find.conditions(profile.test_records),
        doubtful=find.conditions(place.doubtful),
    )


def _describe_location(profile: SourceProfile) -> str:
    place = profile.location
    ways = [
        f"{place.lon[0]} and {place.lat[0]}" if place.lon and place.lat else "",
        f"{place.x[0]} and {place.y[0]}" if place.x and place.y else "",
        *(names[0] for names in (place.grid_ref, place.lat_lon) if names),
    ]
    return f"columns for the place ({', or '.join(way for way in ways if way)})"


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds headings of one file."""

    name: str
    headings: tuple[str, ...]

    def any(self, names: Sequence[str]) -> str | None:
        """The first of the names that the file has; None if it has none. DataError if two columns answer to it."""
        for wanted in names:
            exact = [heading for heading in self.headings if heading == wanted]
            matches = exact or [heading for heading in self.headings if _plain(heading) == _plain(wanted)]
            if len(matches) > 1:
                raise DataError(
                    f"{self.name} has to have only one column for {wanted}",
                    f"it has {len(matches)}: {', '.join(matches)}",
                    "rename or delete the others",
                )
            if matches:
                return matches[0]
        return None

    def one(self, names: Sequence[str]) -> str:
        """The same, but one of them must be there."""
        heading = self.any(names)
        if heading is None:
            raise self.lacks(f"a column {' or '.join(names)}")
        return heading

    def some(self, names: Sequence[str]) -> str | None:
        """What need not be there if several names are given."""
        return self.one(names) if len(names) == 1 else self.any(names)

    def as_tuple(self, names: Sequence[str]) -> tuple[str, ...]:
        """The first that there is, alone in a tuple, or an empty one."""
        heading = self.any(names)
        return (heading,) if heading else ()

    def pair(self, first: Sequence[str], second: Sequence[str]) -> tuple[str, str] | None:
        """Both, or None."""
        one, other = self.any(first), self.any(second)
        return (one, other) if one and other else None

    def layer(self, names: Sequence[str], *, required: bool) -> str | None:
        """The column that says the layer."""
        heading = self.any(names)
        if heading is None and required:
            raise DataError(
                f"{self.name} needs a column that says the layer ({', '.join(names[:3])})",
                f"it has {self.shown()}",
                "name the layer of the whole file when you load it, or write it in a source profile",
            )
        return heading

    def conditions(self, rules: Sequence[Condition]) -> tuple[tuple[str, Condition], ...]:
        return tuple((self.one(rule.column), rule) for rule in rules)

    def lacks(self, what: str) -> DataError:
        return DataError(f"{self.name} needs {what}", f"it has {self.shown()}", HINT)

    def shown(self) -> str:
        """The headings, for a message."""
        names = [heading[:40] for heading in self.headings if heading]
        return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _plain(heading: str) -> str:
    return re.sub(r"[\s_\-\xa0]+", "", heading).casefold()

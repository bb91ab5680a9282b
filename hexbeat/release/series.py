"""Which releases came before the one that is audited: asked of the register or given, never taken on its own word.

A release names those before it by number and checksum. An audit compares it with all that the register holds before its
number, whatever it names, and finds every name that is missing, added or out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import shapely

from hexbeat.release.conditions import Disclosure, names_earlier
from hexbeat.release.format import Release, parse_release, read_files
from hexbeat.release.register import Register, RegisteredRelease, find_series_before
from hexbeat.release.release_files import find_release_checksum

__all__ = ["EarlierRelease", "GivenRelease", "find_earlier", "find_series_faults"]

_SHARED: Final = 0.001  # of the smaller of two areas: less is how outlines of neighbours differ


class EarlierRelease(Protocol):
    """A release with the checksum that others name it by."""

    @property
    def release(self) -> Release:
        """Its values."""

    @property
    def checksum(self) -> str:
        """The checksum of its files."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenRelease:
    """A release from a directory."""

    release: Release
    checksum: str

    @classmethod
    def read(cls, folder: Path) -> "GivenRelease":
        """The release in a directory; DataError as `Release.read` says."""
        files = read_files(folder)
        return cls(parse_release(files, name=folder.name), find_release_checksum(files))


def find_earlier(audited: GivenRelease, home: Path) -> tuple[list[RegisteredRelease], list[Disclosure]]:
    """All that the registers of a home hold before a release, the oldest first, and where they contradict it.

    Where its own area has no register, the releases that it names are looked for in the others. DataError if a register
    is broken.
    """
    facts = audited.release.facts
    if not names_earlier(facts):
        return [], []
    name = facts["area"]["name"]
    own = Register.of(home, name).all() if Path(name).name == name else []
    others = [old for folder in sorted((home / "published").glob("*")) for old in Register(folder).all()]
    if own:
        earlier = [*find_series_before(home, own, None), *(old for old in own if old.number < facts["number"])]
    else:
        named = [entry["checksum"] for entry in facts["previous"]]
        earlier = sorted((old for old in others if old.checksum in named), key=lambda old: named.index(old.checksum))
    found = [
        Disclosure("", "", "release.json", f"the register holds another release as number {old.number}")
        for old in own
        if old.number == facts["number"] and old.checksum != audited.checksum
    ]
    return earlier, found + _same_ground(audited.release, earlier, others)


def find_series_faults(release: Release, earlier: Sequence[EarlierRelease], *, alone: bool = False) -> list[Disclosure]:
    """Where a release does not go on from these, the oldest first; `alone` asks for none of those that it names."""
    if not names_earlier(release.facts):
        return []
    area, entries = release.facts["area"]["name"], release.facts["previous"]
    given = [{**_entry(old.release), "checksum": old.checksum} for old in earlier]
    reasons = [] if alone else [
        f"names {_called(entry)} before it, which was not looked at" for entry in entries if entry not in given
    ]  # fmt: skip
    reasons += [f"does not name {_called(entry)}, which was before it" for entry in given if entry not in entries]
    if not reasons and [entry for entry in entries if entry in given] != given:
        reasons.append("names the releases before it in another order")
    if release.facts["number"] != 1 + sum(entry["area"] == area for entry in entries):
        reasons.append("its number does not follow from the releases before it")
    days = [*(entry["as_at"] for entry in entries), release.facts["as_at"]]
    if days != sorted(days):
        reasons.append("is as at a day before that of an earlier release")
    return [Disclosure("", "", "release.json", reason) for reason in reasons]


def _entry(release: Release) -> dict[str, object]:
    return {"area": release.facts["area"]["name"], "number": release.facts["number"], "as_at": release.facts["as_at"]}


def _called(entry: dict[str, object]) -> str:
    return f"number {entry['number']} of {entry['area']}"


def _same_ground(
    release: Release, earlier: Iterable[RegisteredRelease], others: Iterable[RegisteredRelease]
) -> list[Disclosure]:
    """Other areas of which something was published on the same ground, outside of this series."""
    mine = {release.facts["area"]["name"], *(old.area for old in earlier)}
    ground = _whole(release)
    last = {old.area: old for old in others if old.area not in mine}
    return [
        Disclosure("", "", name, "was published as another area, and lies on the same ground")
        for name, old in sorted(last.items())
        if old.continues not in mine and _overlap(ground, _whole(old.release)) > _SHARED
    ]


def _whole(release: Release) -> shapely.Geometry:
    return shapely.union_all([place.outline for place in release.places.values() if place.parent_id is None])


def _overlap(first: shapely.Geometry, second: shapely.Geometry) -> float:
    """The share of the smaller one that both have."""
    smaller = min(shapely.area(first), shapely.area(second))
    return float(shapely.area(shapely.intersection(first, second)) / smaller) if smaller > 0 else 0.0

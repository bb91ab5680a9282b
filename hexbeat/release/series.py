"""Finds the releases before the audited one, in the register or as given, and not only those that it names.

A release names the earlier ones by number and checksum. An audit compares it with every earlier release in the register
and finds each name that is missing, added or out of order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import shapely

from hexbeat.release.conditions import Disclosure, names_earlier
from hexbeat.release.format import Release, parse_release, read_files
from hexbeat.release.register import RegisteredRelease, find_series_before, read_registers
from hexbeat.release.release_files import find_release_checksum
from hexbeat.store.shared_documents import SharedDocuments

__all__ = ["EarlierRelease", "GivenRelease", "find_earlier", "find_series_faults"]

_MOST_SHARED: Final = 0.001  # of the smaller of two areas: outlines of neighbours overlap by less


class EarlierRelease(Protocol):
    """A release with the checksum that later releases name it by."""

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


def find_earlier(
    audited: GivenRelease, documents: SharedDocuments | None
) -> tuple[list[RegisteredRelease], list[Disclosure]]:
    """All releases before this one in the registers of a store, the oldest first, and where they contradict it.

    If its own area has no register, the other registers are searched for the releases that it names. DataError if a
    register is damaged.
    """
    facts = audited.release.facts
    if not names_earlier(facts):
        return [], []
    name = facts["area"]["name"]
    registers = read_registers(documents)
    own_releases = registers.get(name, [])
    others = [old for published in registers.values() for old in published]
    if own_releases:
        earlier = [
            *find_series_before(registers, own_releases, None),
            *(old for old in own_releases if old.number < facts["number"]),
        ]
    else:
        checksums = [entry["checksum"] for entry in facts["previous"]]
        earlier = sorted(
            (old for old in others if old.checksum in checksums), key=lambda old: checksums.index(old.checksum)
        )
    findings = [
        Disclosure("", "", "release.json", f"the register holds another release as number {old.number}")
        for old in own_releases
        if old.number == facts["number"] and old.checksum != audited.checksum
    ]
    return earlier, findings + _find_overlapping_areas(audited.release, earlier, others)


def find_series_faults(release: Release, earlier: Sequence[EarlierRelease], *, alone: bool = False) -> list[Disclosure]:
    """Where a release does not continue the earlier ones (oldest first); `alone`: those it names may be missing."""
    if not names_earlier(release.facts):
        return []
    area, entries = release.facts["area"]["name"], release.facts["previous"]
    expected_entries = [{**_build_entry(old.release), "checksum": old.checksum} for old in earlier]
    reasons = [] if alone else [
        f"it names {_name_release(entry)} as an earlier release, which this audit did not get"
        for entry in entries if entry not in expected_entries
    ]  # fmt: skip
    reasons += [
        f"it does not name {_name_release(entry)}, an earlier release"
        for entry in expected_entries
        if entry not in entries
    ]
    if not reasons and [entry for entry in entries if entry in expected_entries] != expected_entries:
        reasons.append("it names the earlier releases in another order")
    if release.facts["number"] != 1 + sum(entry["area"] == area for entry in entries):
        reasons.append("its number does not follow from the earlier releases")
    days = [*(entry["as_at"] for entry in entries), release.facts["as_at"]]
    if days != sorted(days):
        reasons.append("its day is before the day of an earlier release")
    return [Disclosure("", "", "release.json", reason) for reason in reasons]


def _build_entry(release: Release) -> dict[str, object]:
    return {"area": release.facts["area"]["name"], "number": release.facts["number"], "as_at": release.facts["as_at"]}


def _name_release(entry: dict[str, object]) -> str:
    return f"number {entry['number']} of {entry['area']}"


def _find_overlapping_areas(
    release: Release, earlier: Iterable[RegisteredRelease], others: Iterable[RegisteredRelease]
) -> list[Disclosure]:
    """Other areas that overlap this release and were published outside its series."""
    own_areas = {release.facts["area"]["name"], *(old.area for old in earlier)}
    outline = _unite_outlines(release)
    latest = {old.area: old for old in others if old.area not in own_areas}
    return [
        Disclosure("", "", name, "this area was published under another name and overlaps this release")
        for name, old in sorted(latest.items())
        if old.continues not in own_areas and _measure_overlap(outline, _unite_outlines(old.release)) > _MOST_SHARED
    ]


def _unite_outlines(release: Release) -> shapely.Geometry:
    return shapely.union_all([place.outline for place in release.places.values() if place.parent_id is None])


def _measure_overlap(first: shapely.Geometry, second: shapely.Geometry) -> float:
    """The overlap as a share of the smaller one."""
    smaller = min(shapely.area(first), shapely.area(second))
    return float(shapely.area(shapely.intersection(first, second)) / smaller) if smaller > 0 else 0.0

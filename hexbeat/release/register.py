"""The register: every release that was published for an area, complete and never rewritten.

Later releases have to agree with it. It lives in the store, so all who publish from the store take the next number.
Its documents `<area>/0001/release/...` are copies of the files of the first release, `0002/release/...` of the second.
`0001/note.json` has what the public does not get:

- for each layer, the day on which its periods begin (key "first");
- the area whose series this one continues, if any (key "continues");
- hashes of the events that counted (key "counted"), so that no event counts twice, even if its load was undone, or its
  rows were removed, and it was loaded again;
- how many events counted, by piece and by the period in which they began (key "began"), so that a file that is loaded
  again with other keys adds nothing.

A hash (BLAKE2b of the event's identifier, with a new key for each release) reveals nothing by itself. Somebody who has
the register and an event's natural key can find out whether it counted.
"""

import datetime as dt
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import shapely

from geo.errors import DataError, PolicyError, StoreError, UsageError
from hexbeat.areas.area import Area
from hexbeat.release.format import Release, parse_release, select_files
from hexbeat.release.release_files import find_release_checksum
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments

__all__ = [
    "OriginCounts",
    "Register",
    "RegisteredRelease",
    "add_origin_counts",
    "find_counted_events",
    "find_outline",
    "find_series_before",
    "read_registers",
    "require_no_other_area",
    "require_same_first",
    "require_same_terms",
]

OriginCounts = dict[str, dict[str, dict[str, int]]]  # layer, period in which events began, piece: number of events
COPY: Final = "release"
NOTE: Final = "note.json"
_DIGITS: Final = 16  # hexadecimal digits of a hash: 64 bits
_MOST_SHARED: Final = 0.001  # of the smaller of two areas: outlines of neighbours overlap by less


@dataclass(frozen=True, eq=False)
class RegisteredRelease:
    """One published release: its number, files and values, and the contents of its `note.json`."""

    number: int
    files: Mapping[str, bytes]
    release: Release
    first_days: dict[str, str]
    continues: str | None
    origin_counts: OriginCounts
    _key: bytes = field(repr=False)
    _counted: frozenset[str] = field(repr=False)

    @property
    def area(self) -> str:
        """The name of its area."""
        return str(self.release.facts["area"]["name"])

    @property
    def checksum(self) -> str:
        """The checksum of the whole release."""
        return find_release_checksum(dict(self.files))

    def has_counted(self, event_id: str) -> bool:
        """Whether the event counted in a period that this release was the first to publish."""
        return _hash_event(event_id, self._key) in self._counted


@dataclass(frozen=True, slots=True)
class Register:
    """The register of one area; it is created when something is published. Without documents it is empty."""

    documents: SharedDocuments | None
    area: str

    def all(self) -> list[RegisteredRelease]:
        """Every release, the oldest first; DataError if a copy is missing or changed."""
        folders = self._read_folders()
        if sorted(folders) != list(range(1, len(folders) + 1)):
            raise self._broken(f"number {len(folders)} or one before it is missing")
        return [self._read(number, folders[number]) for number in sorted(folders)]

    def add(
        self,
        number: int,
        files: Mapping[str, bytes],
        *,
        counted_events: Collection[str],
        origin_counts: OriginCounts,
        first_days: dict[str, str],
        continues: str | None,
    ) -> None:
        """Record a release before it is published, completely or not at all, and only if its number is free.

        PolicyError if the number is taken: of two publishers at once, wherever they are, one gets it.
        """
        if self.documents is None:
            raise StoreError("A release is recorded in a store", "there is none", "open one first")
        key = secrets.token_bytes(16)
        facts = {
            "began": origin_counts,
            "checksum": find_release_checksum(dict(files)),
            "continues": continues,
            "counted": "".join(sorted(_hash_event(event_id, key) for event_id in counted_events)),
            "first": first_days,
            "key": key.hex(),
        }
        folder = f"{self.area}/{number:04}"
        note = json.dumps(facts, indent=1, sort_keys=True).encode()
        contents = {f"{folder}/{NOTE}": note} | {f"{folder}/{COPY}/{name}": file for name, file in files.items()}
        if not self.documents.add_all(DocumentKind.RELEASE, contents):
            raise PolicyError(
                "Each release number is published once",
                f"somebody else has published number {number} meanwhile",
                "run the command again",
            )

    def _read_folders(self) -> dict[int, dict[str, bytes]]:
        """The files of each number, by their path in its folder."""
        folders: dict[int, dict[str, bytes]] = {}
        prefix = f"{self.area}/"
        documents = self.documents.read_all(DocumentKind.RELEASE, prefix) if self.documents else {}
        for name, document in documents.items():
            number, _, path = name.removeprefix(prefix).partition("/")
            folders.setdefault(int(number), {})[path] = document.content
        return folders

    def _read(self, number: int, folder: Mapping[str, bytes]) -> RegisteredRelease:
        try:
            facts: dict[str, Any] = json.loads(folder[NOTE])
            copies = {path.removeprefix(f"{COPY}/"): content for path, content in folder.items() if path != NOTE}
            files = select_files(copies, name=COPY)
            text = facts["counted"]
            counted_hashes = frozenset(text[start : start + _DIGITS] for start in range(0, len(text), _DIGITS))
            registered = RegisteredRelease(
                number, files, parse_release(files), facts["first"], facts["continues"], facts["began"],
                bytes.fromhex(facts["key"]), counted_hashes,
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise self._broken(f"number {number} cannot be read ({type(error).__name__})") from error
        if registered.checksum != facts.get("checksum"):
            raise self._broken(f"number {number} was changed")
        return registered

    def _broken(self, fact: str) -> DataError:
        return DataError(
            "The register has to hold every published release, unchanged",
            f"of {self.area} {fact}",
            "restore the store from a copy; nothing can be published without it",
        )


def read_registers(documents: SharedDocuments | None) -> dict[str, list[RegisteredRelease]]:
    """Every release of every area that has a register, the oldest first, by the area's name; DataError as `all`."""
    names = documents.list_names(DocumentKind.RELEASE) if documents else []
    return {area: Register(documents, area).all() for area in sorted({name.split("/")[0] for name in names})}


def _hash_event(event_id: str, key: bytes) -> str:
    return blake2b(event_id.encode(), key=key, digest_size=_DIGITS // 2).hexdigest()


def find_counted_events(series: Iterable[RegisteredRelease], event_ids: Iterable[str]) -> frozenset[str]:
    """The events that counted in a period that one of these releases was the first to publish."""
    releases = list(series)
    if not releases:
        return frozenset()
    return frozenset(name for name in event_ids if any(old.has_counted(name) for old in releases))


def add_origin_counts(totals: OriginCounts, added: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Add counts to `totals`, in place."""
    for layer, periods in added.items():
        for period, pieces in periods.items():
            sums = totals.setdefault(layer, {}).setdefault(period, {})
            for piece, number in pieces.items():
                sums[piece] = sums.get(piece, 0) + number


def find_outline(release: Release) -> shapely.Geometry:
    """The outline of the area of a release."""
    return shapely.union_all([place.outline for place in release.places.values() if place.parent_id is None])


def find_series_before(
    registers: Mapping[str, Sequence[RegisteredRelease]], earlier: Sequence[RegisteredRelease], continues: str | None
) -> list[RegisteredRelease]:
    """The releases of other areas that a series continues, the oldest first, from all registers of a store.

    `continues` is the area that the publisher names, `earlier` the area's own releases, the first of which fixes it.
    UsageError if that area published nothing, PolicyError if it is another area than before.
    """
    area_before = earlier[0].continues if earlier else continues
    if earlier and continues is not None and continues != area_before:
        fact = f"this series {f'continues {area_before}' if area_before else 'continues no other'}, not {continues}"
        raise _build_refusal(fact, "leave --continues out")
    if area_before is None:
        return []
    releases_before = registers.get(area_before, [])
    if not releases_before:
        raise UsageError(
            "A series can continue only a published series",
            f"nothing was published for {area_before}",
            "choose an area of which something was published",
        )
    return [*find_series_before(registers, releases_before, None), *releases_before]


def require_no_other_area(
    registers: Mapping[str, Sequence[RegisteredRelease]], area: Area, before: Sequence[RegisteredRelease]
) -> None:
    """PolicyError if wards of the area were published in a series that this one does not continue."""
    allowed = {area.name, *(old.area for old in before)}
    for name, published in registers.items():
        if name in allowed or not published:
            continue
        if published[0].continues in allowed:
            raise _build_refusal(f"the series of {published[0].continues} continues as {name}", f"use --area {name}")
        shared = _count_shared_wards(published[-1].release, area)
        if shared:
            raise _build_refusal(
                f"{shared} wards of {area.name} were published as part of {name}",
                f"use --area {name}, or use --continues {name} to begin with the next period",
            )


def _count_shared_wards(release: Release, area: Area) -> int:
    """How many of the area's wards lie in the release's area, by code or by outline."""
    places = release.places.values()
    codes = {place.ward_code for place in places}
    common = shapely.area(shapely.intersection(area.wards.polygons, find_outline(release)))
    is_inside = common > _MOST_SHARED * shapely.area(area.wards.polygons)
    return sum(code in codes or bool(inside) for code, inside in zip(area.wards.codes, is_inside, strict=True))


def require_same_first(first: dt.date | None, last_release: RegisteredRelease) -> None:
    """PolicyError if the first day of a policy is not that of the series; None: the policy has no first day.

    A series that continues another begins where that one ended, on the policy's day or later.
    """
    for layer, day in last_release.first_days.items():
        if first and (first.isoformat() > day or (last_release.continues is None and first.isoformat() != day)):
            raise _build_refusal(
                f"the first day of {layer} was {day}, and now it is {first}",
                f'put first = "{day}" into the policy, or leave it out',
            )


def require_same_terms(earlier: Release, later: Release) -> None:
    """PolicyError unless every layer keeps its terms and its places, and every published number stays as it is."""
    names = {layer.name for layer in later.layers}
    for old in earlier.layers:
        if old.name not in names:
            raise _build_refusal(
                f"{old.name} was published before, and now it is left out", f"put {old.name} back into the policy"
            )
        new = later.layer(old.name)
        _require_same(old.name, "threshold k", old.k, new.k)
        _require_same(old.name, "period length in months", old.months, new.months)
        _require_same(old.name, "minimum of places", old.minimum_places, new.minimum_places)
        _require_same(old.name, "bound half_full", str(old.half_full).lower(), str(new.half_full).lower())
        _require_same(old.name, "set of places", old.place_set, new.place_set)
        if _list_geometry(earlier, old.place_set) != _list_geometry(later, old.place_set):
            raise _build_refusal(
                f"{old.name} has other places than before: the wards, the list of places or the floor changed",
                "restore the area's files; for new wards make a new area: --area NEW --continues OLD",
            )
        if not set(old.periods) <= set(new.periods) or new.due_periods[: len(old.due_periods)] != old.due_periods:
            raise _build_refusal(f"{old.name} has other periods than before", "keep the first day of the policy")
        for period in old.periods:
            if earlier.find_blocks(old.name, period.name) != later.find_blocks(old.name, period.name):
                raise _build_refusal(
                    f"{old.name} of {period.name} has other numbers",
                    "count late events in the period in which they are received",
                )


def _require_same(layer: str, what: str, before: object, now: object) -> None:
    if before != now:
        raise _build_refusal(
            f"the {what} of {layer} was {before}, and now it is {now}", f"put {before} back into the policy"
        )


def _list_geometry(release: Release, place_set: str) -> list[tuple[object, ...]]:
    places = [place for place in release.places.values() if place.place_set == place_set]
    outlines = shapely.to_wkb(np.array([place.outline for place in places], dtype=object)).tolist()
    return [
        (place.place_id, place.level, place.parent_id, place.possible_places, outline)
        for place, outline in zip(places, outlines, strict=True)
    ]


def _build_refusal(fact: str, hint: str) -> PolicyError:
    return PolicyError(
        "Published terms never change: two ways to count the same events would prove small numbers",
        fact,
        hint,
    )

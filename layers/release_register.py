"""Everything that was ever published for an area, whole: what later releases are held to, and never rewritten.

In the home folder, `published/<area>/0001/` holds a copy of the first release, `0002/` of the second, and
`0001.json` what is no business of the public: for each layer the day from which its periods run, and the store's last
row when a period was frozen, by which late events are told.
"""

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from geo.errors import DataError, PolicyError
from layers.release_files import release_checksum
from layers.release_format import Release
from layers.release_reading import read_files, release_of

__all__ = ["Frozen", "Register", "Registered", "require_no_other_area", "require_same_terms"]

Frozen = dict[str, dict[str, int]]  # layer, period: the store's last row when it was frozen


@dataclass(frozen=True, eq=False)
class Registered:
    """One published release: its number, files, and values; `frozen` and `first` as the register keeps them."""

    number: int
    files: Mapping[str, bytes]
    release: Release
    frozen: Frozen
    first: dict[str, str]

    @property
    def checksum(self) -> str:
        """The checksum of the whole release."""
        return release_checksum(dict(self.files))


@dataclass(frozen=True, slots=True)
class Register:
    """The register of one area."""

    folder: Path

    @classmethod
    def of(cls, home: Path, area: str) -> "Register":
        """The register of an area in a home folder; nothing is made until something is published."""
        return cls(home / "published" / area)

    def all(self) -> list[Registered]:
        """Every release, the oldest first; DataError if a copy is gone or changed."""
        numbers = sorted(int(path.stem) for path in self.folder.glob("[0-9]*.json"))
        if numbers != list(range(1, len(numbers) + 1)):
            raise self._broken(f"number {len(numbers)} or one before it is missing")
        return [self._read(number) for number in numbers]

    def add(self, number: int, files: Mapping[str, bytes], *, frozen: Frozen, first: dict[str, str]) -> None:
        """Note a release before it is handed out; PolicyError if that number is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        copy, note = self.folder / f"{number:04}", self.folder / f"{number:04}.json"
        if note.exists():
            raise PolicyError(
                "A release is published once",
                f"number {number} was made by somebody else meanwhile",
                "run the command again",
            )
        shutil.rmtree(copy, ignore_errors=True)  # left behind by a build that was stopped before it was noted
        copy.mkdir()
        for name, content in files.items():
            (copy / name).write_bytes(content)
        facts = {"frozen": frozen, "first": first, "checksum": release_checksum(dict(files))}
        with note.open("x", encoding="utf-8") as file:
            json.dump(facts, file, indent=1, sort_keys=True)

    def _read(self, number: int) -> Registered:
        try:
            facts: dict[str, Any] = json.loads((self.folder / f"{number:04}.json").read_text(encoding="utf-8"))
            files = read_files(self.folder / f"{number:04}")
            found = Registered(number, files, release_of(files), facts["frozen"], facts["first"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._broken(f"number {number} cannot be read ({type(error).__name__})") from error
        if found.checksum != facts.get("checksum"):
            raise self._broken(f"number {number} was changed")
        return found

    def _broken(self, fact: str) -> DataError:
        return DataError(
            "The register holds every release that was ever published, unchanged",
            f"in published/{self.folder.name} {fact}",
            "put it back from a copy; without it nothing can be published",
        )


def require_no_other_area(home: Path, area: str, ward_codes: Collection[str]) -> None:
    """PolicyError if releases of another area with some of these wards were published from this home folder."""
    for folder in sorted((home / "published").glob("*")):
        published = Register(folder).all() if folder.name != area else []
        wards = {place.ward_code for old in published[-1:] for place in old.release.places.values()}
        shared = len(wards & set(ward_codes))
        if shared:
            raise _refused(
                f"{shared} wards of {area} were published in releases of {folder.name}",
                f"go on with --area {folder.name}",
            )


def require_same_terms(earlier: Release, later: Release) -> None:
    """PolicyError unless every layer keeps its terms and its places, and every published number stays as it is."""
    names = {layer.name for layer in later.layers}
    for old in earlier.layers:
        if old.name not in names:
            raise _refused(f"{old.name} was published before and is left out", f"put {old.name} back into the policy")
        new = later.layer(old.name)
        _require_same(old.name, "threshold k", old.k, new.k)
        _require_same(old.name, "period length in months", old.months, new.months)
        _require_same(old.name, "minimum of places", old.minimum_places, new.minimum_places)
        _require_same(old.name, "set of places", old.place_set, new.place_set)
        if _geometry(earlier, old.place_set) != _geometry(later, old.place_set):
            raise _refused(
                f"{old.name} has other places than before: wards, the list of places or the floor changed",
                "keep the area's files as they were; new wards need an area of their own and a period that begins anew",
            )
        if new.periods[: len(old.periods)] != old.periods:
            raise _refused(f"{old.name} has other periods than before", "keep the first day of the policy")
        for period in old.periods:
            if earlier.blocks_of(old.name, period.name) != later.blocks_of(old.name, period.name):
                raise _refused(f"{old.name} of {period.name} has other numbers", "late events count when received")


def _require_same(layer: str, what: str, before: object, now: object) -> None:
    if before != now:
        raise _refused(f"the {what} of {layer} was {before} and is now {now}", f"put back {before} in the policy")


def _geometry(release: Release, place_set: str) -> list[tuple[object, ...]]:
    return [
        (place.place_id, place.level, place.parent_id, place.possible_places, shapely.to_wkb(place.outline))
        for place in release.places.values()
        if place.place_set == place_set
    ]


def _refused(fact: str, hint: str) -> PolicyError:
    return PolicyError(
        "What was published keeps its terms for good: two ways of counting the same events prove what lies between",
        fact,
        hint,
    )

"""The place of each row that has no coordinates, from its postcode or its street, and sentences on that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.locations import Points
from hexbeat.areas.addresses import AddressFinder, AddressPlace, UnknownAddress
from hexbeat.areas.name_words import split_name
from hexbeat.ingest.sources.column_plan import ColumnRoles
from layers.event import LocationKind
from layers.wording import format_plural

__all__ = ["AddressColumns", "FoundPlaces"]

Texts = dict[str, pd.Series]
_ADD_WARD: Final = "write the ward behind the street, after a comma"
_NOUNS: Final[dict[LocationKind, str]] = {"postcode": "a postcode", "street": "a street"}


@dataclass(frozen=True, slots=True, eq=False)
class FoundPlaces:
    """The places of the rows of a chunk, with those of addresses where a row has no coordinates.

    `kind` (n,) and `metres` (n,) say how well a place by an address is known; None and NaN for other rows. `address`
    (n,) is the text of a row without coordinates as it identifies the row, which no gazetteer changes; "" for others.
    """

    place: Points
    kind: NDArray[np.object_]
    metres: NDArray[np.float64]
    address: NDArray[np.object_]
    faults: dict[int, UnknownAddress]

    @property
    def has_coordinates(self) -> NDArray[np.bool_]:
        """Which rows (n,) have a place of their own."""
        return np.asarray(~np.isnan(self.place).any(axis=1) & np.isnan(self.metres))


@dataclass(slots=True)
class AddressColumns:
    """The columns of a file for postcodes and streets, and how its rows were placed by them.

    `finder` is None where the area has no gazetteer: then no row is placed.
    """

    plan: ColumnRoles
    finder: AddressFinder | None
    no_gazetteer: int = 0  # rows with an address only
    several: int = 0  # rows whose street is several places
    unknown: int = 0  # rows with another address that gives no place
    _metres: dict[LocationKind, list[float]] = field(default_factory=lambda: {kind: [] for kind in _NOUNS})

    @property
    def names(self) -> tuple[str, ...]:
        """The headings of postcode, street and ward."""
        return self.plan.address_columns

    def find_places(self, texts: Texts, coordinates: Points) -> FoundPlaces:
        """The places of the rows of a chunk (n, 2): `coordinates`, or that of the address where these are blank."""
        rows = len(coordinates)
        places = FoundPlaces(
            coordinates.copy(), np.full(rows, None, dtype=object), np.full(rows, np.nan),
            np.full(rows, "", dtype=object), {},
        )  # fmt: skip
        if not self.names:
            return places
        blank = np.asarray(np.isnan(coordinates).any(axis=1), dtype=np.bool_)
        columns = [
            texts[name].tolist() if name else [""] * rows
            for name in (self.plan.postcode, self.plan.street, self.plan.ward)
        ]
        answers: dict[tuple[str, str, str], AddressPlace | UnknownAddress | None] = {}
        for row in np.flatnonzero(blank).tolist():
            address = columns[0][row], columns[1][row], columns[2][row]
            if not any(address[:2]):
                continue
            places.address[row] = _format_address(*address)
            if address not in answers:
                answers[address] = self._find(*address)
            answer = answers[address]
            if isinstance(answer, AddressPlace):
                places.place[row] = answer.lon, answer.lat
                places.kind[row], places.metres[row] = answer.kind, answer.metres
            elif answer is not None:
                places.faults[row] = answer
        return places

    def _find(self, postcode: str, street: str, ward: str) -> AddressPlace | UnknownAddress | None:
        """The place of an address. A text in place of a postcode that is none leaves it to the street."""
        if self.finder is None:
            return None
        by_postcode = self.finder.find_postcode(postcode) if postcode else None
        if by_postcode is None or (street and by_postcode == UnknownAddress("postcode", "not a postcode")):
            return self.finder.find_street(f"{street}, {ward}" if ward else street)
        return by_postcode

    def count(self, places: FoundPlaces, accepted: NDArray[np.intp], missing: NDArray[np.intp]) -> None:
        """Remember how the accepted rows of a chunk were placed, and why others have no place."""
        for kind in _NOUNS:
            self._metres[kind] += places.metres[accepted[places.kind[accepted] == kind]].tolist()
        faults = [places.faults.get(row) for row in missing.tolist()]
        self.several += sum(fault is not None and fault.part == "choice" for fault in faults)
        self.unknown += sum(fault is not None and fault.part != "choice" for fault in faults)
        if self.finder is None:
            self.no_gazetteer += int(np.count_nonzero(places.address[missing] != ""))

    def describe_rows(self, texts: Texts, places: FoundPlaces, rows: NDArray[np.intp]) -> list[dict[str, str | None]]:
        """What a reject shows of the address of each of these rows: its columns, and why they give no place.

        Nothing of a row with coordinates.
        """
        has_coordinates = places.has_coordinates
        described: list[dict[str, str | None]] = []
        for row in rows.tolist():
            fault = places.faults.get(row)
            reason = {f"({fault.part})": fault.reason} if fault else {}
            address = {} if has_coordinates[row] else {name: texts[name].iloc[row] or None for name in self.names}
            described.append(address | reason)
        return described

    def describe(self, name: str, area: str) -> tuple[str, ...]:
        """Sentences on the rows of the whole file, without their contents."""
        metres = {noun: self._metres[kind] for kind, noun in _NOUNS.items() if self._metres[kind]}
        verbs = (" is placed" if len(next(iter(metres.values()), ())) == 1 else " are placed", "")
        placed = [
            f"{format_plural(len(distances_m), 'row', 'rows')}{verb} by {noun} ({_format_metres(distances_m)})"
            for verb, (noun, distances_m) in zip(verbs, metres.items(), strict=False)
        ]
        remarks = [" and ".join(placed)] if placed else []
        if self.several:
            rows = "1 row names" if self.several == 1 else f"{self.several:,} rows name"
            remarks.append(f"{rows} a street that is in several places; {_ADD_WARD}")
        if self.no_gazetteer:
            rows = "1 row has" if self.no_gazetteer == 1 else f"{self.no_gazetteer:,} rows have"
            remarks.append(f"{rows} an address and no coordinates; {area} has no gazetteer to place them by")
        return tuple(f"{name}: {remark}" for remark in remarks)

    def suggest_correction(self, area: str) -> str | None:
        """What to do if no row of the file could be placed by its address; None if some could, or none has one."""
        if any(self._metres.values()) or not self.several + self.unknown:
            return None
        if self.several > self.unknown:
            return _ADD_WARD
        return f"use postcodes and streets that the gazetteer of {area} has, or add coordinates to the file"


def _format_address(postcode: str, street: str, ward: str) -> str:
    return "|".join(["".join(split_name(postcode)), *(" ".join(split_name(text)) for text in (street, ward))])


def _format_metres(metres: Sequence[float]) -> str:
    """As in "known to 50 m", "known to 50 to 96 m"."""
    least, most = f"{min(metres):,.0f}", f"{max(metres):,.0f}"
    return f"known to {least} m" if least == most else f"known to {least} to {most} m"

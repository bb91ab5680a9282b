"""Places a little outside the area: at a coast they are counted in the nearest ward, if the profile says so.

Hexbeat knows no coast line. Wards end at high water in most published files, so the outer edge of an area is its coast
in places, and its border with a neighbour in others. The tolerance holds along all of it.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.wards import OUTSIDE, Wards

__all__ = ["AreaEdge"]

_NEAR_M: Final = 500.0  # of rejected rows so near, the distance and the ward are named
_BEACH_M: Final = 100.0  # rejected rows so near are mentioned in the summary of the file


@dataclass(slots=True)
class AreaEdge:
    """The places of a file that lie a little outside: those counted in the nearest ward, and those rejected."""

    counted: int = 0
    farthest_counted_m: float = 0.0
    beaches: int = 0
    _ward: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    _metres: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def settle(
        self,
        wards: Wards,
        place: NDArray[np.float64],
        ward: NDArray[np.int32],
        possible: NDArray[np.bool_],
        *,
        tolerance_m: float,
    ) -> None:
        """Find the nearest ward of the places (n, 2) of a chunk that are outside; within the tolerance it is theirs.

        `ward` (n,) is changed. Places that are not `possible` are passed over.
        """
        outside = np.flatnonzero(possible & (ward == OUTSIDE))
        self._ward = np.full(len(ward), OUTSIDE, dtype=np.int32)
        self._metres = np.full(len(ward), np.nan)
        self._ward[outside], self._metres[outside] = wards.find_nearest(
            place[outside, 0], place[outside, 1], within_m=max(tolerance_m, _NEAR_M)
        )
        counted = np.flatnonzero(self._metres <= tolerance_m) if tolerance_m else np.array([], dtype=np.intp)
        ward[counted] = self._ward[counted]
        self.counted += len(counted)
        if len(counted):
            self.farthest_counted_m = max(self.farthest_counted_m, float(self._metres[counted].max()))
        self.beaches += int(np.count_nonzero((self._metres <= _BEACH_M) & (ward == OUTSIDE)))

    def describe_rows(self, wards: Wards, rows: NDArray[np.intp]) -> dict[int, str]:
        """How far the rows of the last chunk are outside, by their position in `rows`; only those within 500 m."""
        return {
            position: f"{max(self._metres[row], 1):,.0f} m outside {wards.names[self._ward[row]]}"
            for position, row in enumerate(rows.tolist())
            if row < len(self._ward) and self._ward[row] != OUTSIDE
        }

    def describe(self, name: str, area: str, *, counted: bool, silent: bool) -> tuple[str, ...]:
        """Sentences on the places of the whole file; `silent`: rejected ones are those of a wider region."""
        remarks = []
        if counted and self.counted:
            places = "1 place" if self.counted == 1 else f"{self.counted:,} places up to"
            metres = f"{max(self.farthest_counted_m, 1):,.0f} m"
            verb = "is" if self.counted == 1 else "are"
            remarks.append(f"{name}: {places} {metres} outside {area} {verb} counted in the nearest ward")
        if self.beaches and not silent:
            remarks.append(f"{name}: {self.suggest_tolerance(area)}")
        return tuple(remarks)

    def suggest_tolerance(self, area: str) -> str | None:
        """What to do about rejected places close to the area; None if there are none."""
        if not self.beaches:
            return None
        places = "1 place lies" if self.beaches == 1 else f"{self.beaches:,} places lie"
        return (
            f"{places} less than {_BEACH_M:g} m outside {area}: if that is a beach, location.coast_m in a source "
            "profile counts it in the nearest ward"
        )

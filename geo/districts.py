"""Places divided among crews: near each other, and about equal in work."""

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["assign_crews"]


def assign_crews(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], work: NDArray[np.float64], *, crews: int
) -> NDArray[np.intp]:
    """The crew (0 to `crews` - 1) of each place, (n,); places in metres on a plane, work above 0.

    The places are divided across their longer side, with work in proportion to the crews on either side, and so on
    (recursive bisection, Berger and Bokhari 1987). So the places of each crew lie between straight lines. A crew's work
    differs from an even share by little more than the work of one place for each division.
    """
    if crews < 1 or not (work > 0).all():
        raise UsageError(
            "A division of places needs at least one crew, and work above 0 for each place",
            f"there are {crews} crews",
            "use at least 1",
        )
    crew = np.zeros(len(work), dtype=np.intp)
    _halve(np.column_stack([x_m, y_m]), np.asarray(work, dtype=np.float64), np.arange(len(work)), (0, crews), crew)
    return crew


def _halve(
    points: NDArray[np.float64],
    work: NDArray[np.float64],
    places: NDArray[np.intp],
    crews: tuple[int, int],
    crew: NDArray[np.intp],
) -> None:
    """Write into `crew` which of the crews [first, last) gets each of these places."""
    first, last = crews
    if last - first == 1 or not len(places):
        crew[places] = first
        return
    middle = (first + last) // 2
    positions = points[places]
    axis = int(np.ptp(positions[:, 1]) > np.ptp(positions[:, 0]))
    order = places[np.lexsort((positions[:, 1 - axis], positions[:, axis]))]
    total_work = np.cumsum(work[order])
    target = total_work[-1] * (middle - first) / (last - first)
    cut = int(np.abs(np.concatenate([[0.0], total_work]) - target).argmin())
    _halve(points, work, order[:cut], (first, middle), crew)
    _halve(points, work, order[cut:], (middle, last), crew)

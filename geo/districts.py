"""Places shared out among crews: near together, and about equal in work."""

import numpy as np
from numpy.typing import NDArray

from geo.errors import UsageError

__all__ = ["assign_crews"]


def assign_crews(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], work: NDArray[np.float64], *, crews: int
) -> NDArray[np.intp]:
    """For each place the crew (0 to `crews` - 1) that it falls to, (n,); places in metres on a plane, work above 0.

    The places are halved across their longer side, so that the work is in the proportion of the crews on either side,
    and the halves again (recursive bisection, Berger and Bokhari 1987): each crew's places lie between straight lines.
    A crew's work differs from an even share by little more than a place's for every halving.
    """
    if crews < 1 or not (work > 0).all():
        raise UsageError(
            "Sharing out places needs at least one crew, and work above 0 for each place",
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
    """Write into `crew` for these places which of the crews [first, last) each falls to."""
    first, last = crews
    if last - first == 1 or not len(places):
        crew[places] = first
        return
    middle = (first + last) // 2
    here = points[places]
    along = int(np.ptp(here[:, 1]) > np.ptp(here[:, 0]))
    order = places[np.lexsort((here[:, 1 - along], here[:, along]))]
    done = np.cumsum(work[order])
    wanted = done[-1] * (middle - first) / (last - first)
    cut = int(np.abs(np.concatenate([[0.0], done]) - wanted).argmin())
    _halve(points, work, order[:cut], (first, middle), crew)
    _halve(points, work, order[cut:], (middle, last), crew)

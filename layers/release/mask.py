"""A list of places must not tell of events: one that was made of them is refused before a series begins."""

from typing import Final

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from geo.errors import PolicyError
from layers.areas import Area
from layers.places import PlacesMask

__all__ = ["require_independent_mask"]

_PART: Final = 3  # so many parts: one of them at least must be spots at which nothing ever happened
_FEW: Final = 10  # spots of a ward: fewer may all have had events by chance


def require_independent_mask(mask: PlacesMask, event_spots: NDArray[np.uint64], area: Area) -> None:
    """PolicyError if a third of the mask's spots or fewer never had an event, or none of a ward's.

    `event_spots`: the H3 cells of resolution 11 of all events known, of whatever layer. A list of places made of the
    events themselves says that something happened in each of its pieces, and so proves that what is not shown of them
    is not nothing. A list from elsewhere may come under the limit too, after many years of events at its own points:
    it then tells almost as much.
    """
    used = np.isin(mask.spot_cells, event_spots)
    if used.any() and (~used).sum() * _PART <= len(used):
        raise _refused(f"at {used.sum():,} of the {len(used):,} spots of this one something did", area)
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in mask.spot_cells.tolist()]).reshape(-1, 2).T
    ward = area.wards.locate(lon, lat)
    for code, name in enumerate(area.wards.names):
        own = used[ward == code]
        if len(own) >= _FEW and own.all():
            raise _refused(f"at every one of the {len(own):,} spots of {name} something did", area)


def _refused(fact: str, area: Area) -> PolicyError:
    return PolicyError(
        "A list of places says where events can happen, and must not tell where they did",
        fact,
        f"make it of addresses or roads: hexbeat boundaries places FILE --area {area.name} --replace",
    )

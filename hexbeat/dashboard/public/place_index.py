"""The names that readers may look for: streets, parks, schools, wards. Each leads to what is published around it.

The page gets no coordinates of a place: only its name, its ward, and which published block's outline it lies in. A part
of a postcode and a ward lead to the ward. Whole postcodes, which may be one house, are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from hexbeat.dashboard.public.block_drawing import Drawing, Shape

__all__ = ["PlaceNames", "build_search_index", "read_place_names", "select_place_names"]

_KINDS: Final = frozenset(
    ["street", "station", "bus station", "hospital", "school", "college", "park", "sports ground", "theatre",
     "shopping area"]
)  # fmt: skip
_POSTCODE: Final = "postcode"
_WHOLE_WARD: Final = -1


@dataclass(frozen=True, eq=False)
class PlaceNames:
    """Names by ward. `rows`: name, ward_code, lon and lat in degrees (NaN: the name stands for the whole ward).

    `credits` are the sentences to show with them.
    """

    rows: pd.DataFrame
    credits: tuple[str, ...]


def read_place_names(file: Path, credits_text: str) -> PlaceNames:
    """The names of an area's gazetteer.csv, which stands beside its wards, with the sentences that go with it."""
    points = pd.read_csv(file, dtype={"kind": str, "name": str, "ward_code": str}, na_filter=False)
    return select_place_names(points, (credits_text,))


def select_place_names(points: pd.DataFrame, attributions: Sequence[str]) -> PlaceNames:
    """The names that readers may look for, once a ward: points of a gazetteer (kind, name, ward_code, lon, lat).

    A name stands at that of its points in the ward which lies nearest to the middle of them.
    """
    inside = points[points["ward_code"] != ""]
    named_points = inside[inside["kind"].isin(_KINDS)].reset_index(drop=True)
    middle = named_points.groupby(["name", "ward_code"])[["lon", "lat"]].transform("mean")
    # In Britain a degree of longitude is about half as long as one of latitude.
    away = ((named_points["lon"] - middle["lon"]) / 2) ** 2 + (named_points["lat"] - middle["lat"]) ** 2
    named_points = named_points.assign(away=away.round(12)).sort_values(
        ["name", "ward_code", "away", "lon", "lat"], kind="stable"
    )
    places = named_points.drop_duplicates(["name", "ward_code"])[["name", "ward_code", "lon", "lat"]]
    codes = inside.loc[inside["kind"] == _POSTCODE, ["name", "ward_code"]]
    districts = codes.assign(name=codes["name"].str.split(" ").str[0], lon=np.nan, lat=np.nan).drop_duplicates()
    rows = pd.concat([places, districts], ignore_index=True).sort_values(["ward_code", "name"], kind="stable")
    return PlaceNames(rows.reset_index(drop=True), tuple(attributions))


def build_search_index(drawing: Drawing, wards: Mapping[str, str], names: PlaceNames) -> dict[str, Any]:
    """What the page gets: for each ward, in their order, names by line, and for each set of places the outline of each.

    An outline is a number in the order in which the outlines are drawn; -1 stands for the whole ward.
    """
    rows = names.rows[names.rows["ward_code"].isin(list(wards))].reset_index(drop=True)
    points: NDArray[np.object_] = np.asarray(
        shapely.points(rows[["lon", "lat"]].fillna(0.0).to_numpy(dtype=np.float64)), dtype=object
    )
    leaves = {name: _find_leaves(points, shapes) for name, shapes in drawing.leaves.items()}
    by_ward = [np.flatnonzero(rows["ward_code"].to_numpy() == code) for code in wards]
    return {
        "sets": list(leaves),
        "wards": [
            {
                "names": "\n".join(["", *rows["name"].iloc[rows_of_ward]]),  # the first is the ward itself
                "leaves": [[_WHOLE_WARD, *leaf[rows_of_ward].tolist()] for leaf in leaves.values()],
            }
            for rows_of_ward in by_ward
        ],
    }


def _find_leaves(points: NDArray[np.object_], shapes: Sequence[Shape]) -> NDArray[np.int64]:
    """The outline in which each point lies; -1 if it lies in none."""
    leaves = np.full(len(points), _WHOLE_WARD, dtype=np.int64)
    tree = shapely.STRtree([shape.place.outline for shape in shapes])
    which, leaf = tree.query(points, predicate="intersects")
    leaves[which[::-1]] = leaf[::-1]  # on a border the first one
    return leaves

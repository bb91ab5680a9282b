"""Points of shapes from files: a point as it is, and a line or polygon as a point inside it, if the profile says so."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["build_points"]


def build_points(
    shapes: NDArray[Any], is_given: NDArray[np.bool_], rule: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points (n, 2), NaN where there is no shape, and which rows have one that cannot be used.

    `is_given` (n,): the file has a shape there, so None in `shapes` is a damaged one. `rule` is `refuse` or
    `inside_point`. A MultiPoint of one point is that point; other shapes that are no points cannot be used by `refuse`.
    """
    kinds = shapely.get_type_id(shapes)
    is_damaged = (kinds < 0) & is_given
    is_single = (kinds == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    is_other = (kinds != shapely.GeometryType.POINT) & (kinds >= 0) & ~is_single & ~shapely.is_empty(shapes)
    if is_single.any() or is_other.any():
        shapes = np.where(is_single, shapely.get_geometry(shapes, 0), shapes)
        shapes[is_other] = shapely.point_on_surface(shapes[is_other]) if rule == "inside_point" else None
    points = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    return points, np.asarray(is_damaged | (is_other & (rule != "inside_point")), dtype=np.bool_)

"""Tidies the lines and areas of a street map, on a plane in metres: one line a street, no fragments, few corners.

Files hold a street in pieces, and some hold it several times: from two surveys, or once for each carriageway. Of lines
that run along each other within a few metres, the one of the highest class stays, among equals the named, longest one.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from scipy import sparse
    from scipy.sparse import csgraph
else:
    gpd = import_lazily("geopandas")
    pd = import_lazily("pandas")
    sparse = import_lazily("scipy.sparse")
    csgraph = import_lazily("scipy.sparse.csgraph")

__all__ = ["tidy_areas", "tidy_lines"]

ROADS: Final = ("main", "through", "street", "path")  # in the order in which one covers another
STEP_M: Final = 5.0  # between the points at which two lines are compared
BESIDE_M: Final = {"main": 9.0, "through": 7.0, "street": 6.0, "path": 9.0, "rail": 9.0, "water": 5.0}
SHORTEST_RUN_M: Final = 25.0  # crossing lines are beside each other for less than this
SHORTEST_END_M: Final = 12.0  # what is left of a double beyond the end of the other is no street
CHUNK_POINTS: Final = 200_000
JOINED_M: Final = 12.0  # lines that come so near to each other are one network
SHORTEST_NETWORK_M: Final = {"path": 200.0, "water": 200.0, "rail": 300.0}
SHORTEST_ROADS_M: Final = 250.0
SHORTEST_PARTIAL_M: Final = 1_500.0  # of a network in a file without all streets, where pieces are many
LONGEST_CHORD_M: Final = 250.0  # such a file holds curved roads as one straight line, far from where they are
CORNER_M: Final = {"main": 1.5, "through": 1.5, "street": 1.2, "path": 2.0, "rail": 2.5, "water": 3.0, "green": 4.0}
SMALLEST_M2: Final = {"water": 400.0, "green": 2_500.0}


def tidy_lines(shapes: "gpd.GeoDataFrame", *, partial: bool) -> "gpd.GeoDataFrame":
    """The lines (columns kind, name, geometry in metres) joined, without doubles, fragments or needless corners.

    Sorted by class and place, whatever the order of the input. partial: the file holds some of the streets only, so
    larger pieces count as fragments, and long straight lines without a corner are left out.
    """
    lines = join_lines(drop_chords(shapes) if partial else shapes)
    parts = [drop_doubles(lines[lines["kind"].isin(kinds)]) for kinds in (ROADS, ("rail",), ("water",))]
    whole = drop_fragments(join_lines(pd.concat(parts, ignore_index=True)), partial=partial)
    tolerances = whole["kind"].map(CORNER_M).to_numpy(dtype=np.float64)
    return sort_shapes(whole.set_geometry(shapely.simplify(whole.geometry.to_numpy(), tolerances)))


def tidy_areas(shapes: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """The polygons (columns kind, name, geometry in metres) without overlaps of one class, specks or needless corners.

    A named one keeps its shape; those without a name are united.
    """
    parts = []
    for kind, group in shapes.groupby("kind"):
        valid = shapely.make_valid(group.geometry.to_numpy())
        named = group["name"].to_numpy() != ""
        united = shapely.difference(shapely.union_all(valid[~named]), shapely.union_all(valid[named]))
        names = [*group["name"].to_numpy()[named], ""]
        geometries = np.array([*valid[named], united], dtype=object)
        simple = shapely.make_valid(shapely.simplify(geometries, CORNER_M[str(kind)]))
        parts.append(gpd.GeoDataFrame({"kind": kind, "name": names}, geometry=simple).explode(ignore_index=True))
    if not parts:
        return shapes
    whole = pd.concat(parts, ignore_index=True)
    large = whole.geometry.area.to_numpy() >= whole["kind"].map(SMALLEST_M2).to_numpy()
    return sort_shapes(whole[large & (whole.geometry.geom_type == "Polygon").to_numpy()])


def sort_shapes(shapes: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """By class, then from north-west to south-east, so that the same shapes always come in the same order."""
    normal = shapes.set_geometry(shapely.normalize(shapes.geometry.to_numpy()))
    bounds = shapely.bounds(normal.geometry.to_numpy())
    north, west, east = -bounds[:, 3], bounds[:, 0], bounds[:, 2]
    order = np.lexsort((east, west, north, normal["name"].to_numpy(str), normal["kind"].to_numpy(str)))
    return normal.iloc[order].reset_index(drop=True)


def join_lines(lines: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """Lines of one class and name that meet end to end become one line."""
    joined = lines.groupby(["kind", "name"], sort=True)["geometry"].agg(merge_pieces)
    frame = gpd.GeoDataFrame(joined.reset_index(), geometry="geometry")
    return frame.explode(ignore_index=True) if len(frame) else lines


def merge_pieces(pieces: "pd.Series[Any]") -> Any:
    """One line where they meet end to end; by their bytes, each is there once and in one order."""
    normal = shapely.to_wkb(shapely.normalize(shapely.get_parts(pieces.to_numpy())))
    return shapely.line_merge(shapely.multilinestrings(shapely.from_wkb(np.unique(normal))))


def drop_doubles(lines: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    """The lines without the stretches that run beside a line of a higher rank."""
    if len(lines) == 0:
        return lines
    length = lines.geometry.length.to_numpy()
    order = [(-length), lines["name"].to_numpy(str) == "", lines["kind"].map(list(BESIDE_M).index).to_numpy()]
    rank = np.empty(len(lines), dtype=np.int64)
    rank[np.lexsort(order)] = np.arange(len(lines))
    shapes = lines.geometry.to_numpy()
    line, at, points = place_points(shapes, length)
    cover = find_cover(points, rank[line], lines["kind"].map(BESIDE_M).to_numpy()[line], shapes, rank)
    edges = np.searchsorted(line, np.arange(len(lines) + 1))
    touched = np.unique(line[cover >= 0])
    parts = [[shape] for shape in shapes]
    for place in touched.tolist():
        stretch = slice(edges[place], edges[place + 1])
        parts[place] = cut_line(points[stretch], at[stretch], cover[stretch], shapes)
    counts = [len(pieces) for pieces in parts]
    rows = lines.iloc[np.repeat(np.arange(len(lines)), counts)].reset_index(drop=True)
    return rows.set_geometry(np.array([piece for pieces in parts for piece in pieces], dtype=object))


def place_points(
    shapes: NDArray[Any], length: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[Any]]:
    """Points along every line, its corners among them: number of the line, metres along it, and the points (n,)."""
    dense = shapely.segmentize(shapes, STEP_M)
    coordinates, line = shapely.get_coordinates(dense, return_index=True)
    steps = np.hypot(*np.diff(coordinates, axis=0, prepend=coordinates[:1]).T)
    along = np.cumsum(steps)
    starts = np.searchsorted(line, np.arange(len(length)))
    return line.astype(np.int64), along - along[starts][line], np.asarray(shapely.points(coordinates))


def find_cover(
    points: NDArray[Any],
    ranks: NDArray[np.int64],
    reach_m: NDArray[np.float64],
    shapes: NDArray[Any],
    rank: NDArray[np.int64],
) -> NDArray[np.int64]:
    """For each point the line (its number) of the highest rank that lies within reach; -1 if none outranks its own."""
    tree = shapely.STRtree(shapes)
    cover = np.full(len(points), -1, dtype=np.int64)
    by_rank = np.argsort(rank)
    for start in range(0, len(points), CHUNK_POINTS):
        end = start + CHUNK_POINTS
        point, other = tree.query(points[start:end], predicate="dwithin", distance=reach_m[start:end])
        best = np.full(len(points[start:end]), len(shapes), dtype=np.int64)
        np.minimum.at(best, point, rank[other])
        outranked = best < ranks[start:end]
        cover[start:end][outranked] = by_rank[best[outranked]]
    return cover


def cut_line(
    points: NDArray[Any], at: NDArray[np.float64], cover: NDArray[np.int64], shapes: NDArray[Any]
) -> list[Any]:
    """The stretches of a line that are not beside another; each ends on the line that continues it."""
    covered = cover >= 0
    if covered.all():
        return []
    covered = fill_short_runs(covered, at, value=True)
    covered = fill_short_runs(covered, at, value=False)
    pieces = []
    for start, end in find_runs(covered, value=False):
        chain = list(points[start:end])
        if start:
            chain.insert(0, meet_line(points[start], shapes[cover[start - 1]] if cover[start - 1] >= 0 else None))
        if end < len(points):
            chain.append(meet_line(points[end - 1], shapes[cover[end]] if cover[end] >= 0 else None))
        if end - start < len(points) and at[end - 1] - at[start] < SHORTEST_END_M:
            continue
        coordinates = shapely.get_coordinates(np.array(chain, dtype=object))
        if (coordinates != coordinates[0]).any():
            pieces.append(shapely.linestrings(coordinates))
    return pieces


def meet_line(point: Any, line: Any) -> Any:
    """The place on the line that is nearest to the point; the point itself if there is no line."""
    return point if line is None else shapely.get_point(shapely.shortest_line(line, point), 0)


def fill_short_runs(flags: NDArray[np.bool_], at: NDArray[np.float64], *, value: bool) -> NDArray[np.bool_]:
    """The flags, with runs of `value` turned over that are shorter than SHORTEST_RUN_M and do not end the line."""
    filled = flags.copy()
    for start, end in find_runs(flags, value=value):
        inner = value or (start > 0 and end < len(flags))
        if inner and at[end - 1] - at[start] < SHORTEST_RUN_M and (start > 0 or end < len(flags)):
            filled[start:end] = not value
    return filled


def find_runs(flags: NDArray[np.bool_], *, value: bool) -> list[tuple[int, int]]:
    """Start and end (excluded) of each run of `value`."""
    marks = np.diff(np.concatenate([[False], flags == value, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(marks == 1).tolist(), np.flatnonzero(marks == -1).tolist(), strict=True))


def drop_chords(lines: "gpd.GeoDataFrame") -> "gpd.GeoDataFrame":
    shapes = lines.geometry.to_numpy()
    return lines[(shapely.get_num_points(shapes) > 2) | (shapely.length(shapes) <= LONGEST_CHORD_M)]  # noqa: PLR2004 - two ends


def drop_fragments(lines: "gpd.GeoDataFrame", *, partial: bool) -> "gpd.GeoDataFrame":
    """The lines that belong to a network of some length; a stray piece of road does not help to recognise a town."""
    if len(lines) == 0:
        return lines
    shapes = lines.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=JOINED_M)
    group = np.where(lines["kind"].isin(ROADS), 0, lines["kind"].map(list(BESIDE_M).index))
    is_same = group[first] == group[second]
    links = sparse.coo_array(
        (np.ones(int(is_same.sum())), (first[is_same], second[is_same])), shape=(len(lines), len(lines))
    )
    network = csgraph.connected_components(links, directed=False)[1]
    total = np.bincount(network, weights=shapely.length(shapes))[network]
    is_path_only = np.bincount(network, weights=lines["kind"].to_numpy() != "path")[network] == 0
    least = lines["kind"].map(SHORTEST_NETWORK_M).fillna(SHORTEST_ROADS_M).to_numpy()
    least = np.where(is_path_only | (group > 0), least, SHORTEST_ROADS_M)
    if partial:
        least = np.maximum(least, SHORTEST_PARTIAL_M)
    return lines[total >= least].reset_index(drop=True)

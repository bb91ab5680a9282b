"""Electoral wards: which ward a point lies in, exactly and fast, with a raster that answers most points at once.

The answer is that of `geopandas.sjoin(..., predicate="within")`, plus a rule for shared edges. A point on an edge of
two or more wards belongs to the ward whose code comes first. A point on the outer edge of the area is outside, as it is
for `within`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.cells import build_outlines
from geo.distance import metres_per_degree
from geo.errors import AreaError
from geo.geofiles import gdal_address
from geo.lazy_modules import import_lazily

if TYPE_CHECKING:
    import geopandas
    import pyogrio
    from scipy import ndimage
else:
    geopandas = import_lazily("geopandas")
    pyogrio = import_lazily("pyogrio")
    ndimage = import_lazily("scipy.ndimage")

__all__ = ["OUTSIDE", "UNDECIDED", "Raster", "Wards"]

UNDECIDED: Final = -2
_SIDE: Final = 2048  # pixels a side: in a town a pixel is some metres wide, and the table has 8 MB
Locate = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.int32]]
OUTSIDE: Final = -1
_FEWEST_FOR_RASTER: Final = 5000  # points; with fewer a raster costs more than it saves (a tenth of a second)
_CRS: Final = "EPSG:4326"
_POLYGON_TYPES: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """`answer` (int16, _SIDE squared) by column * _SIDE + row. West, south and pixels per degree give its position."""

    west: float
    south: float
    per_lon: float
    per_lat: float
    answer: NDArray[np.int16]

    @classmethod
    def build(cls, polygons: NDArray[np.object_], bounds: tuple[float, float, float, float], locate: Locate) -> Self:
        """Build the raster of polygons within bounds (west, south, east, north), with the exact test `locate`."""
        west, south, east, north = bounds
        # Two pixels of margin, so that every point on the edge of the bounds falls into a pixel of the raster.
        per_lon, per_lat = (_SIDE - 4) / (east - west), (_SIDE - 4) / (north - south)
        west, south = west - 2 / per_lon, south - 2 / per_lat
        is_edge = _mark_edge_pixels(polygons, west, south, per_lon, per_lat)
        piece, count = ndimage.label(~is_edge)
        piece = piece.ravel()
        last_pixels = np.flatnonzero(np.diff(piece)) + 1  # where one piece ends and another begins, down the columns
        sample_pixel = np.zeros(count + 1, dtype=np.int64)
        sample_pixel[piece[last_pixels]] = last_pixels
        column, row = np.divmod(sample_pixel[1:], _SIDE)
        answer = np.full(count + 1, UNDECIDED, dtype=np.int16)
        answer[1:] = locate(west + (column + 0.5) / per_lon, south + (row + 0.5) / per_lat)
        return cls(west, south, per_lon, per_lat, answer[piece])

    def look_up(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """The polygon (int32 (n,)) of each point, -1 outside, UNDECIDED near an edge; -1 for NaN."""
        column = (lon - self.west) * self.per_lon
        row = (lat - self.south) * self.per_lat
        inside = (column >= 0) & (column < _SIDE) & (row >= 0) & (row < _SIDE)
        pixel = np.where(inside, np.floor(column), 0) * _SIDE + np.where(inside, np.floor(row), 0)
        return np.where(inside, self.answer[pixel.astype(np.int64)], -1).astype(np.int32)


class Wards:
    """The wards of an area in the order of their codes.

    `codes`, `names`, `lad_codes`, `lad_names` are tuples of str ("" where the authority is not known), `polygons`
    shapely (Multi)Polygons in WGS 84 degrees (object (n,)), `bounds` (west, south, east, north) of all.
    """

    def __init__(
        self,
        codes: tuple[str, ...],
        names: tuple[str, ...],
        polygons: NDArray[np.object_],
        *,
        lad_codes: tuple[str, ...] | None = None,
        lad_names: tuple[str, ...] | None = None,
    ) -> None:
        blank = ("",) * len(codes)
        order = np.argsort(np.array(codes, dtype=object), kind="stable").tolist()
        self.codes = tuple(codes[place] for place in order)
        self.names = tuple(names[place] for place in order)
        self.lad_codes = tuple((lad_codes or blank)[place] for place in order)
        self.lad_names = tuple((lad_names or blank)[place] for place in order)
        self.polygons = np.asarray(polygons, dtype=object)[order]
        shapely.prepare(self.polygons)
        west, south, east, north = shapely.total_bounds(self.polygons).tolist()
        self.bounds: tuple[float, float, float, float] = (west, south, east, north)
        self._ward_of_cell: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Wards from any file that geopandas reads, with the columns and CRS that `from_frame` needs.

        Raises AreaError if there is no such file, if it cannot be read, or if `from_frame` refuses it.
        """
        path = Path(path)
        plain = _read_plain_geojson(path)
        if plain is not None:
            (codes, names, lad_codes, lad_names), polygons = plain
            return cls(codes, names, polygons, lad_codes=lad_codes, lad_names=lad_names)
        try:
            frame = _read_frame(path)
        except (OSError, ValueError, pyogrio.errors.DataSourceError) as error:
            raise AreaError(
                "Wards come from a file of polygons such as GeoJSON, GeoPackage or Shapefile",
                f"`{path.name}` cannot be read as polygons" if path.exists() else f"there is no file `{path.name}`",
                "choose a published boundary file, or build one with `hexbeat boundaries build`",
            ) from error
        return cls.from_frame(frame, what=f"`{path.name}`")

    @classmethod
    def from_frame(cls, frame: "geopandas.GeoDataFrame", *, what: str = "the frame") -> Self:
        """Wards from polygons with the columns ward_code and ward_name, and lad_code and lad_name if known.

        Raises AreaError unless the frame is in EPSG:4326 and has both columns, at least one row, polygons only, and
        each code once. `what` names the frame in messages. This function does not check whether the wards are a
        coverage.
        """
        _require_columns(frame, what)
        _require_crs(frame, what)
        _require_polygons(frame, what)
        return cls(
            tuple(frame["ward_code"].astype(str)),
            tuple(frame["ward_name"].astype(str)),
            frame.geometry.to_numpy(),
            lad_codes=_read_texts(frame, "lad_code"),
            lad_names=_read_texts(frame, "lad_name"),
        )

    def touch(self, code: str, other: str) -> bool:
        """Whether two wards are the same or have a point in common; False for a code that is none of theirs."""
        if not {code, other} <= set(self.codes):
            return False
        first, second = (self.polygons[self.codes.index(own)] for own in (code, other))
        return bool(shapely.intersects(first, second))

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
        """The ward (int32 (n,), an index into `codes`) of each point in WGS 84 degrees; -1 outside and for NaN."""
        lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        if len(lon) < _FEWEST_FOR_RASTER:
            return self.locate_exactly(lon, lat)
        ward = self._raster.look_up(lon, lat)
        near_edge = np.flatnonzero(ward == UNDECIDED)
        ward[near_edge] = self.locate_exactly(lon[near_edge], lat[near_edge])
        return ward

    def locate_exactly(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
        """`locate` without the raster: tests each point against every ward whose bounds hold it."""
        ward = np.full(len(lon), OUTSIDE, dtype=np.int32)
        near = [(place, self.polygons[place]) for place in self._list_near(lon, lat)]
        for place, polygon in near:
            open_points = self._in_bounds(place, lon, lat, ward == OUTSIDE)
            ward[open_points[shapely.contains_xy(polygon, lon[open_points], lat[open_points])]] = place
        touching = np.zeros(len(lon), dtype=np.int32)
        first = ward.copy()
        for place, polygon in near:
            open_points = self._in_bounds(place, lon, lat, ward == OUTSIDE)
            on_edge = open_points[shapely.intersects_xy(polygon, lon[open_points], lat[open_points])]
            touching[on_edge] += 1
            first[on_edge[first[on_edge] == OUTSIDE]] = place
        return np.where(touching > 1, first, ward)

    def find_nearest(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], *, within_m: float
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The nearest ward (int32 (n,)) of points outside all wards, and the metres to it (n,), true to 1 %.

        OUTSIDE and NaN where none is within `within_m` metres, and in a gap that the wards enclose, such as a
        neighbour's enclave.
        """
        ward = np.full(len(lon), OUTSIDE, dtype=np.int32)
        metres = np.full(len(lon), np.nan)
        west, south, east, north = self.bounds
        scale = self._plane_scale
        margin_lon, margin_lat = within_m / scale
        close = np.flatnonzero(
            (lon >= west - margin_lon) & (lon <= east + margin_lon)
            & (lat >= south - margin_lat) & (lat <= north + margin_lat)
        )  # fmt: skip
        close = close[~shapely.contains_xy(self._outer_shape, lon[close], lat[close])]
        if len(close):
            points = shapely.points(np.column_stack([lon[close], lat[close]]) * scale)
            (rows, places), distances = self._plane_tree.query_nearest(
                points, max_distance=within_m, return_distance=True, all_matches=False
            )
            ward[close[rows]], metres[close[rows]] = places, distances
        return ward, metres

    def find_cell_wards(self, cells: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The ward (int32 (n,), an index into `codes`) that holds most of each H3 cell (n,), of what lies in any ward.

        Of equal parts it is the ward whose code comes first; of a cell that meets no ward, the nearest one. It depends
        on the cell and the boundaries alone.
        """
        distinct, place = np.unique(cells, return_inverse=True)
        new = np.array([cell for cell in distinct.tolist() if cell not in self._ward_of_cell], dtype=np.uint64)
        self._ward_of_cell |= dict(zip(new.tolist(), self._find_largest_parts(new).tolist(), strict=True))
        return np.array([self._ward_of_cell[cell] for cell in distinct.tolist()], dtype=np.int32)[place]

    def _find_largest_parts(self, cells: NDArray[np.uint64]) -> NDArray[np.int32]:
        """`find_cell_wards` of distinct cells. Within a cell square degrees are as good as square metres."""
        outlines = build_outlines(cells)
        row, ward = self._tree.query(outlines, predicate="intersects")
        order = np.lexsort((ward, row))
        row, ward = row[order], ward[order]
        part = np.ones(len(row))
        is_shared = np.bincount(row, minlength=len(cells))[row] > 1
        shared = shapely.intersection(self.polygons[ward[is_shared]], outlines[row[is_shared]])
        part[is_shared] = np.round(shapely.area(shared) / shapely.area(outlines[row[is_shared]]), 9)
        largest = np.lexsort((-ward, part, row))  # the last of each cell
        wards = np.full(len(cells), OUTSIDE, dtype=np.int32)
        wards[row[largest]] = ward[largest]
        outside = np.flatnonzero(wards == OUTSIDE)
        if len(outside):
            wards[outside] = self._tree.nearest(shapely.centroid(outlines[outside]))
        return wards

    def _list_near(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> list[int]:
        """The wards that have room for any of the points: of one point a few, and each would take its time."""
        west, south = (float(np.fmin.reduce(values, initial=np.inf)) for values in (lon, lat))
        east, north = (float(np.fmax.reduce(values, initial=-np.inf)) for values in (lon, lat))
        return [
            place
            for place, (left, bottom, right, top) in enumerate(self._each_bounds)
            if left <= east and right >= west and bottom <= north and top >= south
        ]

    def _in_bounds(
        self, place: int, lon: NDArray[np.float64], lat: NDArray[np.float64], among: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """The points of `among` that lie within the bounds of a ward."""
        west, south, east, north = self._each_bounds[place]
        return np.flatnonzero(among & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))

    @cached_property
    def _each_bounds(self) -> list[list[float]]:
        bounds: list[list[float]] = shapely.bounds(self.polygons).tolist()
        return bounds

    @cached_property
    def _plane_scale(self) -> NDArray[np.float64]:
        """Metres of a degree of longitude and of latitude, in the middle of the wards."""
        return np.asarray(metres_per_degree((self.bounds[1] + self.bounds[3]) / 2), dtype=np.float64)

    @cached_property
    def _plane_tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.transform(self.polygons, lambda degrees: degrees * self._plane_scale))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    @cached_property
    def _outer_shape(self) -> shapely.Geometry:
        """All wards together, without the gaps that they enclose."""
        parts = shapely.get_parts(shapely.union_all(self.polygons))
        outer = shapely.union_all(shapely.polygons(shapely.get_exterior_ring(parts)))
        shapely.prepare(outer)
        return outer

    @cached_property
    def _raster(self) -> Raster:
        return Raster.build(self.polygons, self.bounds, self.locate_exactly)


def _read_plain_geojson(path: Path) -> tuple[list[tuple[str, ...]], NDArray[np.object_]] | None:
    """Codes, names, authority codes, authority names and polygons of GeoJSON as `hexbeat boundaries build` writes it.

    None for every other file: `from_frame` checks those, after the import of geopandas, which takes half a second.
    """
    if path.suffix != ".geojson":
        return None
    try:
        content = path.read_bytes()
        table = json.loads(content)
        wards = [feature["properties"] for feature in table["features"]]
        texts = [tuple(ward[column] for ward in wards) for column in ("ward_code", "ward_name")]
        texts += [tuple(ward.get(column, "") for ward in wards) for column in ("lad_code", "lad_name")]
        polygons = shapely.get_parts(shapely.from_geojson(content))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, shapely.GEOSException):
        return None
    is_plain = (
        table.keys() == {"type", "name", "features"}  # a file with another CRS has one more key
        and len(polygons) == len(wards) == len(set(texts[0])) > 0
        and all(isinstance(text, str) for column in texts for text in column)
        and bool(np.isin(shapely.get_type_id(polygons), _POLYGON_TYPES).all())
        and bool((shapely.is_valid(polygons) & ~shapely.is_empty(polygons) & ~shapely.has_z(polygons)).all())
    )
    return (texts, polygons) if is_plain else None


def _read_frame(path: Path) -> "geopandas.GeoDataFrame":
    """The frame in a file; ValueError for a kind of file that is not read here."""
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    address = gdal_address(path)
    if address is None:
        raise ValueError(path.name)
    return geopandas.read_file(address)


def _read_texts(frame: "geopandas.GeoDataFrame", column: str) -> tuple[str, ...] | None:
    return tuple(frame[column].fillna("").astype(str)) if column in frame else None


def _require_columns(frame: "geopandas.GeoDataFrame", what: str) -> None:
    rule = "Wards need the columns ward_code and ward_name, and a polygon in each row"
    hint = "name the file's own columns: `hexbeat boundaries build FILE --area NAME --code FIELD --name FIELD`"
    missing = [column for column in ("ward_code", "ward_name") if column not in frame]
    if missing:
        others = ", ".join(str(column) for column in frame.columns if column != "geometry") or "none"
        raise AreaError(rule, f"{what} lacks {' and '.join(missing)} and has {others}", hint)
    if not isinstance(frame, geopandas.GeoDataFrame) or frame.active_geometry_name is None:
        raise AreaError(rule, f"{what} has no geometries", hint)
    if len(frame) == 0:
        raise AreaError(rule, f"{what} has no rows", hint)
    if frame["ward_code"].isna().any() or frame["ward_name"].isna().any():
        raise AreaError(rule, f"{what} has rows without a code or a name", hint)
    repeated = sorted(frame["ward_code"][frame["ward_code"].duplicated()].astype(str).unique())
    if repeated:
        raise AreaError(
            "Each ward has one row",
            f"{what} has several rows of {', '.join(repeated)}",
            "join the parts of a ward into one MultiPolygon",
        )


def _require_crs(frame: "geopandas.GeoDataFrame", what: str) -> None:
    if frame.crs is None or not frame.crs.equals(_CRS, ignore_axis_order=True):
        raise AreaError(
            "Wards have to be in WGS 84 degrees (EPSG:4326)",
            f"{what} {'does not name its CRS' if frame.crs is None else f'is in {frame.crs.name}'}",
            "let `hexbeat boundaries build` convert it, or use to_crs(4326)",
        )


def _require_polygons(frame: "geopandas.GeoDataFrame", what: str) -> None:
    is_polygon = frame.geometry.geom_type.isin(("Polygon", "MultiPolygon")) & ~frame.geometry.is_empty & frame.is_valid
    if not is_polygon.all():
        codes = ", ".join(sorted(frame["ward_code"][~is_polygon].astype(str)))
        raise AreaError(
            "Each ward is a valid polygon or multipolygon",
            f"{what} has other shapes for {codes}",
            "let `hexbeat boundaries build --repair` repair what can be repaired",
        )


def _mark_edge_pixels(
    polygons: NDArray[np.object_], west: float, south: float, per_lon: float, per_lat: float
) -> NDArray[np.bool_]:
    """Mark the pixels (bool, column by row) that an edge may meet."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygons)), return_index=True)
    corners = (corners - (west, south)) * (per_lon, per_lat)
    same_ring = ring[1:] == ring[:-1]
    start, length = corners[:-1][same_ring], np.diff(corners, axis=0)[same_ring]
    steps = np.ceil(np.abs(length).max(axis=1) * 2).astype(np.int64) + 1
    edge = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    place = start[edge] + length[edge] * (step / steps[edge])[:, None]
    is_edge = np.zeros((_SIDE, _SIDE), dtype=np.bool_)
    column, row = np.floor(place).astype(np.int64).T
    is_edge[column, row] = True
    # A dilation by the eight neighbours: along one axis, then along the other.
    is_edge[1:-1] |= is_edge[:-2] | is_edge[2:]
    is_edge[:, 1:-1] |= is_edge[:, :-2] | is_edge[:, 2:]
    return is_edge

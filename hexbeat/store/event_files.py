"""Live events as one file: GeoParquet, GeoPackage or CSV."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from hexbeat.files import atomic_write, escape_formulas
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import Viewer, require_export

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas
    import pandas as pd
else:
    pd = import_lazily("pandas")
    geopandas = import_lazily("geopandas")

__all__ = ["add_points", "export_events", "format_events"]

H3_COLUMNS: Final = ("h3_08", "h3_09", "h3_10", "h3_11")
TIME_COLUMNS: Final = ("occurred_from", "occurred_to", "recorded_at")


def export_events(store: Store, viewer: Viewer, out: Path, *, before: "Callable[[int], object]" = int) -> int:
    """Write every live event whose record the viewer may see to `out`, in the format of its ending; return how many.

    `before` is called with this number once it is known, and before anything is written.

    Points are WGS 84 (EPSG:4326), times UTC, cells hexadecimal H3 strings; free text is not exported. Demonstration
    events carry the source "demonstration". The file appears whole or not at all.

    Raises UsageError for another ending or a folder that does not exist, PolicyError if the viewer may not export.
    """
    write = find_writer(out)
    require_export(viewer, "events")
    frame = format_events(read_live_records(store, viewer))
    before(len(frame))
    with atomic_write(out) as draft, _name_full_disk():
        write(frame, draft)
    return len(frame)


@contextmanager
def _name_full_disk() -> Iterator[None]:
    """OSError for what GDAL says of a file that it cannot write; the disk is full, or the file too large."""
    try:
        yield
    except RuntimeError as error:  # pyogrio's errors are of this kind, and say what SQLite said
        if type(error).__module__.partition(".")[0] != "pyogrio":
            raise
        raise OSError(errno.ENOSPC, "there is no room for it on the disk, or its file cannot be written") from error


def find_writer(out: Path) -> "Callable[[pd.DataFrame, Path], None]":
    """The function that writes files of this ending."""
    writers = {".parquet": write_geoparquet, ".gpkg": write_geopackage, ".csv": write_csv}
    if out.suffix.lower() not in writers:
        raise UsageError(
            "An export is a .parquet, .gpkg or .csv file",
            f"{out.name!r} has another ending",
            "give the file another ending",
        )
    if not out.absolute().parent.is_dir():
        raise UsageError(
            "An export needs a folder that exists", f"{out.parent} does not exist", "create it first, or choose another"
        )
    return writers[out.suffix.lower()]


def format_events(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with times as timestamps, and cells as H3 strings that other programs know."""
    columns = {name: pd.to_datetime(frame[name], unit="s", utc=True) for name in TIME_COLUMNS}
    columns |= {name: frame[name].map("{:x}".format) for name in H3_COLUMNS}
    return frame.assign(**columns).drop(columns=["row_id", "superseded_at"])


def add_points(frame: "pd.DataFrame") -> "geopandas.GeoDataFrame":
    """The rows as a GeoDataFrame of points."""
    return geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(frame.lon, frame.lat), crs="EPSG:4326")


def write_geoparquet(frame: "pd.DataFrame", path: Path) -> None:
    """GeoParquet with WKB points."""
    add_points(frame).to_parquet(path, index=False)


def write_geopackage(frame: "pd.DataFrame", path: Path) -> None:
    """A GeoPackage with one layer, events."""
    add_points(frame).to_file(path, layer="events", driver="GPKG")


def write_csv(frame: "pd.DataFrame", path: Path) -> None:
    """CSV in UTF-8 with times as 2026-11-21T08:15:00Z; text that a spreadsheet would run gets an apostrophe."""
    timestamps = {name: frame[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in TIME_COLUMNS}
    escape_formulas(frame.assign(**timestamps)).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")

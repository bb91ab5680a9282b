"""How a vector file is handed to GDAL: as what its first bytes say, and as nothing else.

GDAL decides by content, and some content is a program: JSON that describes a pipeline of its algorithms (GDALG) and XML
that names other sources (VRT) read other files and addresses. So JSON is bound to the GeoJSON driver, and what is
neither JSON, GeoPackage nor shapefile is not handed over at all.
"""

from pathlib import Path
from typing import Final

__all__ = ["gdal_address"]

BINARY: Final = (b"SQLite format 3\x00", b"\x00\x00\x27\x0a")  # GeoPackage, shapefile
LOOK_BYTES: Final = 1024


def gdal_address(path: Path) -> str | None:
    """The file's address for pyogrio and geopandas; None if it is no GeoJSON, GeoPackage or shapefile.

    OSError if it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(LOOK_BYTES)
    place = str(path.resolve())
    if start.startswith(BINARY):
        return place
    return f"GeoJSON:{place}" if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else None

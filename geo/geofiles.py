"""How GDAL opens a vector file: with the driver that its first bytes call for, and with no other.

GDAL decides by content, and some content is a program. JSON that describes a pipeline of algorithms (GDALG) and XML
that names other sources (VRT) can read other files and addresses. So JSON always goes to the GeoJSON driver, and GDAL
gets no file that is neither JSON, GeoPackage nor shapefile.
"""

from pathlib import Path
from typing import Final

__all__ = ["gdal_address"]

BINARY: Final = (b"SQLite format 3\x00", b"\x00\x00\x27\x0a")  # GeoPackage, shapefile
LOOK_BYTES: Final = 1024


def gdal_address(path: Path) -> str | None:
    """The file's address for pyogrio and geopandas; None if it is not a GeoJSON, GeoPackage or shapefile.

    OSError if it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(LOOK_BYTES)
    address = str(path.resolve())
    if start.startswith(BINARY):
        return address
    return f"GeoJSON:{address}" if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else None

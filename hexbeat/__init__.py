"""Hexbeat for analysts: `import hexbeat; town = hexbeat.open()`. See docs/python.md.

What a call needs is imported when it is called, so that `import hexbeat` costs next to nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.errors import AreaError, DataError, HexbeatError, PolicyError, StoreError, UsageError

if TYPE_CHECKING:
    from hexbeat.town import Town
    from layers.access import Viewer

__all__ = ["AreaError", "DataError", "HexbeatError", "PolicyError", "StoreError", "Town", "UsageError", "open"]


def open(  # noqa: A001 - as xarray.open_dataset and rasterio.open: read with the package's name before it
    home: Path | str | None = None, area: str | None = None, *, viewer: "Viewer | str | None" = None
) -> "Town":
    """Open the store in the folder `home` for an area, and answer a Town to ask.

    Without `home` and `area`, HEXBEAT_HOME and HEXBEAT_AREA decide, then the defaults: ./var and middlesbrough.
    `viewer` is the name of a role that may do no more than yours, or a Viewer; None is you, as on the command line.

    UsageError if there is no such area or role, AreaError if the area's files are broken, StoreError if the store
    cannot be opened.
    """
    from hexbeat.town import open_town  # noqa: PLC0415 - what is heavy is imported when it is needed

    return open_town(home, area, viewer=viewer)


def __getattr__(name: str) -> Any:
    if name == "Town":
        from hexbeat.town import Town  # noqa: PLC0415 - likewise

        return Town
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Where this installation keeps its data, and for which area: from options, the environment, or defaults."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import UsageError

__all__ = ["DEFAULT_AREA", "DEFAULT_HOME", "PROJECT_DIR", "Settings"]

PROJECT_DIR: Final = Path(__file__).resolve().parent.parent
DEFAULT_AREA: Final = "middlesbrough"
DEFAULT_HOME: Final = Path("var")


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation: `home` (store, own sources, own areas), `area`, and `database_url` (None: SQLite in home).

    With a `database_url` the home holds caches alone.
    """

    home: Path
    area: str
    database_url: str | None

    @classmethod
    def from_environment(cls, *, home: Path | None = None, area: str | None = None) -> "Settings":
        """Arguments first, then HEXBEAT_HOME, HEXBEAT_AREA and HEXBEAT_DATABASE_URL, then the defaults.

        UsageError if the home is a file, a device or a pipe, or would lie in one.
        """
        folder = Path(home or os.environ.get("HEXBEAT_HOME") or DEFAULT_HOME)
        nearest = next((place for place in (folder, *folder.parents) if os.path.exists(place)), None)  # noqa: PTH110 - below
        if nearest is not None and not os.path.isdir(nearest):  # noqa: PTH112 - False also for a name that is too long
            raise UsageError(
                "The home of Hexbeat is a folder",
                f"{nearest} is none",
                "give the folder that holds the store (HEXBEAT_HOME)",
            )
        return cls(
            home=folder,
            area=area or os.environ.get("HEXBEAT_AREA") or DEFAULT_AREA,
            database_url=os.environ.get("HEXBEAT_DATABASE_URL") or None,
        )

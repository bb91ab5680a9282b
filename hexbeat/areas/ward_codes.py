"""Ward codes that two areas share: the store keeps events by ward code, so they would be counted in both areas."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import shapely

from geo.errors import AreaError
from geo.wards import Wards
from hexbeat.areas.area import Area, find_area_folders, load_area
from layers.wording import format_list

__all__ = ["find_shared_codes", "require_own_codes"]

# The codes of the ONS name one place in the country, and never another, so areas of them need no comparison.
_NATIONAL: Final = re.compile(r"[EWSNK]\d{8}")
_MOST_LISTED: Final = 5


def require_own_codes(name: str, wards: Wards, *, home: Path | None) -> None:
    """AreaError if another area has the code of one of the wards for a ward elsewhere.

    Wards that touch may be the same one, of another year or in a larger area. Areas that cannot be read are passed
    over, because they take no events.
    """
    codes = frozenset(code for code in wards.codes if not _NATIONAL.fullmatch(code))
    if not codes:
        return
    polygons = dict(zip(wards.codes, wards.polygons, strict=True))
    for other in _load_others(name, home):
        pairs = zip(other.wards.codes, other.wards.polygons, strict=True)
        shared = [code for code, polygon in pairs if code in codes and not shapely.intersects(polygons[code], polygon)]
        if shared:
            examples = format_list(shared, most=_MOST_LISTED)
            raise AreaError(
                "Areas of one home folder have different codes for different wards",
                f"the areas {name} and {other.name} have wards in different places with the code {examples}",
                "build one of them with other codes, such as those of the ONS, or in a home folder of its own",
            )


def find_shared_codes(name: str, *, home: Path | None) -> list[str]:
    """What `require_own_codes` says against an area that is there: one sentence, or none."""
    try:
        require_own_codes(name, load_area(name, home=home).wards, home=home)
    except AreaError as error:
        return [error.fact]
    return []


def _load_others(name: str, home: Path | None) -> Iterator[Area]:
    for other in find_area_folders(home):
        if other == name:
            continue
        try:
            yield load_area(other, home=home)
        except AreaError:
            continue

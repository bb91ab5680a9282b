"""Tracks and waypoints that a phone or a receiver wrote: GPX 1.0 and 1.1, without entity bombs."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from geo.errors import DataError
from layers.readers.guard import check_file

__all__ = ["Track", "read_track"]

MOST_BYTES: Final = 50_000_000  # a day's track of one fix a second has some ten
MOST_POINTS: Final = 500_000
_RULE: Final = "What was walked is a GPX file with times"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Fixes (n,) that have a time, in UTC seconds and WGS 84 degrees: of tracks, or where there are none, waypoints.

    `unzoned`: fixes whose time has no zone, read as UTC, as GPX says. `untimed`: fixes without a time, left out. Names,
    descriptions and devices in the file are not read.
    """

    seconds: Floats
    lon: Floats
    lat: Floats
    waypoints: bool
    unzoned: int
    untimed: int


def read_track(path: Path) -> Track:
    """Read a GPX file; DataError if it is none, declares entities, is very long, or has no times."""
    check_file(path, most_bytes=MOST_BYTES)
    gpx = _parse(path)
    fixes = [fix for track in gpx.tracks for segment in track.segments for fix in segment.points]
    timed = [fix for fix in fixes if fix.time is not None]
    marks = [mark for mark in gpx.waypoints if mark.time is not None]
    chosen = timed or marks
    if not chosen:
        raise DataError(
            _RULE,
            f"{path.name} has {len(fixes):,} fixes and {len(gpx.waypoints):,} waypoints, none with a time",
            "a planned route has none: export what was recorded",
        )
    if len(chosen) > MOST_POINTS:
        raise DataError(_RULE, f"{path.name} has more than {MOST_POINTS:,} fixes", "export one shift at a time")
    untimed = len(fixes) - len(timed) if timed else len(gpx.waypoints) - len(marks)
    return _track(path.name, chosen, waypoints=not timed, untimed=untimed)


def _track(name: str, fixes: list[Any], *, waypoints: bool, untimed: int) -> Track:
    lon = np.array([fix.longitude for fix in fixes], dtype=np.float64)
    lat = np.array([fix.latitude for fix in fixes], dtype=np.float64)
    if not (np.abs(lon) <= 180).all() or not (np.abs(lat) <= 90).all():  # noqa: PLR2004 - degrees
        raise DataError(_RULE, f"{name} has a fix that is not on the globe", "export it again")
    unzoned = sum(fix.time.tzinfo is None for fix in fixes)
    return Track(np.array([_utc(fix.time) for fix in fixes]), lon, lat, waypoints, unzoned, untimed)


def _utc(time: dt.datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()


def _parse(path: Path) -> Any:
    """The document as gpxpy reads it, once it is known to be harmless; DataError otherwise."""
    import gpxpy  # noqa: PLC0415 - a quarter of a second that only imports need
    from gpxpy.gpx import GPXException  # noqa: PLC0415 - the same

    try:
        text = path.read_bytes().decode("utf-8-sig")
        root = fromstring(text, forbid_dtd=True)
        if root.tag.rpartition("}")[2] != "gpx":
            raise DataError(_RULE, f"{path.name} is another kind of XML", "export it as GPX")
        return gpxpy.parse(text)
    except DefusedXmlException as error:
        raise DataError(
            _RULE, f"{path.name} declares entities or a document type, which may be a bomb", "export it again"
        ) from error
    except (ParseError, GPXException, ValueError, LookupError, OverflowError) as error:
        raise DataError(_RULE, f"{path.name} is damaged ({type(error).__name__})", "export it again") from error

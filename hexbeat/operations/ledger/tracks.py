"""GPX tracks, and the planned stops at which a track stayed for long enough to count as a visit."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from geo.errors import DataError
from geo.stays import Stay, find_stays
from hexbeat.ingest.readers.limits import check_file
from hexbeat.operations.ledger.visits import Visit, build_stop_visit
from hexbeat.operations.plans.plan import Plan, Stop, Tour
from layers.wording import format_date, format_plural

__all__ = ["LEAST_MINUTES", "RADIUS_M", "Track", "TrackFindings", "match_track", "read_track"]

MOST_BYTES: Final = 50_000_000  # a day's track of one fix a second has some ten
MOST_POINTS: Final = 500_000
_RULE: Final = "A track is a GPX file with times"
Floats = NDArray[np.float64]
RADIUS_M: Final = 100.0
LEAST_MINUTES: Final = 5.0
_MARGIN: Final = dt.timedelta(hours=3)  # a shift begins early or ends late
_SAME_PLACE_DIGITS: Final = 6  # of a degree: 0.1 m


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Fixes (n,) with a time, in UTC seconds and WGS 84 degrees; waypoints if the file has no track with times.

    `unzoned` counts fixes whose time has no zone: they are read as UTC, as GPX says. `untimed` counts fixes without a
    time, which are left out. Names, descriptions and devices in the file are not read.
    """

    seconds: Floats
    lon: Floats
    lat: Floats
    waypoints: bool
    unzoned: int
    untimed: int


@dataclass(frozen=True, slots=True)
class TrackFindings:
    """Visits of a track, stops that it only passed (their stop_id), stops that it never came near, and notes."""

    visits: tuple[Visit, ...]
    passed: tuple[str, ...]
    missed: tuple[str, ...]
    notes: tuple[str, ...]


def match_track(
    track: Track,
    plan: Plan,
    tour: Tour,
    *,
    radius_m: float = RADIUS_M,
    least_minutes: float = LEAST_MINUTES,
) -> TrackFindings:
    """The stops of a tour at which the track stayed within `radius_m` for `least_minutes` at a time or longer.

    The minutes of a visit are those of all its stays, to the nearest minute. Absences under two minutes do not end a
    stay. If one place is planned several times, each stay answers the stop whose planned time is nearest. A waypoint
    has no duration: one within `radius_m` of a stop counts as a visit of the planned length. Only fixes from three
    hours before the plan begins to three hours after it ends count.

    DataError if the track has none of these.
    """
    seconds, lon, lat = _select_fixes(track, plan)
    stops = _group_stops(tour)
    places = np.array(list(stops), dtype=np.float64).reshape(-1, 2)
    stays = (
        _find_waypoint_stays(seconds, lon, lat, places, radius_m)
        if track.waypoints
        else find_stays(seconds, lon, lat, places[:, 0], places[:, 1], radius_m=radius_m)
    )
    groups = list(stops.values())
    long_stays = [stay for stay in stays if track.waypoints or stay.seconds >= least_minutes * 60]
    short_stay_places = {stay.place for stay in stays} - {stay.place for stay in long_stays}
    stays_by_stop = _assign_stays(long_stays, groups)
    visits = [
        _build_visit(plan, tour, stop, stays_by_stop[stop.stop_id], track)
        for stop in tour.stops
        if stop.stop_id in stays_by_stop
    ]
    open_stops = [stop for stop in tour.stops if stop.stop_id not in stays_by_stop]
    passed = [stop.stop_id for place in sorted(short_stay_places) for stop in groups[place]]
    missed = [stop.stop_id for stop in open_stops if stop.stop_id not in passed]
    return TrackFindings(tuple(visits), tuple(passed), tuple(missed), _build_notes(track, len(seconds)))


def _select_fixes(track: Track, plan: Plan) -> tuple[Floats, Floats, Floats]:
    begin_s, end_s = (plan.begins - _MARGIN).timestamp(), (plan.ends + _MARGIN).timestamp()
    inside = (track.seconds >= begin_s) & (track.seconds <= end_s)
    if not inside.any():
        zone = plan.begins.tzinfo
        bounds_s = float(track.seconds.min()), float(track.seconds.max())
        first, last = (dt.datetime.fromtimestamp(bound_s, zone) for bound_s in bounds_s)
        raise DataError(
            "A track has to be from the time of its plan",
            f"this one was recorded from {_format_time(first)} to {_format_time(last)}, the plan is for "
            f"{_format_time(plan.begins)} to {_format_time(plan.ends)}",
            "choose the plan of that day, or the track of that plan",
        )
    return track.seconds[inside], track.lon[inside], track.lat[inside]


def _format_time(time: dt.datetime) -> str:
    return f"{format_date(time.date())}, {time:%H:%M}"


def _group_stops(tour: Tour) -> dict[tuple[float, float], list[Stop]]:
    """The stops at each place, in their planned order."""
    stops: dict[tuple[float, float], list[Stop]] = defaultdict(list)
    for stop in sorted(tour.stops, key=_get_arrival):
        stops[round(stop.lon, _SAME_PLACE_DIGITS), round(stop.lat, _SAME_PLACE_DIGITS)].append(stop)
    return dict(stops)


def _get_arrival(stop: Stop) -> dt.datetime:
    return stop.arrive


def _find_waypoint_stays(seconds: Floats, lon: Floats, lat: Floats, places: Floats, radius_m: float) -> list[Stay]:
    """Each waypoint as a stay of no length, found as a track that stands there for two seconds."""
    stays = []
    for second, east, north in zip(seconds.tolist(), lon.tolist(), lat.tolist(), strict=True):
        two_seconds = np.array([second, second + 2.0])
        stays += find_stays(
            two_seconds, np.array([east] * 2), np.array([north] * 2), places[:, 0], places[:, 1], radius_m=radius_m
        )
    return [Stay(stay.place, stay.start, stay.start, 0.0) for stay in stays]


def _assign_stays(stays: list[Stay], groups: list[list[Stop]]) -> dict[str, list[Stay]]:
    """The stays by the stop that they answer; at a place planned several times, the stop nearest in time."""
    stays_by_stop: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        nearest = min(groups[stay.place], key=lambda stop: abs(stop.arrive.timestamp() - stay.start))
        stays_by_stop[nearest.stop_id].append(stay)
    return dict(stays_by_stop)


def _build_visit(plan: Plan, tour: Tour, stop: Stop, stays: list[Stay], track: Track) -> Visit:
    began = dt.datetime.fromtimestamp(int(min(stay.start for stay in stays)), dt.UTC)
    spent = None if track.waypoints else max(1, round(sum(stay.seconds for stay in stays) / 60))
    return build_stop_visit(plan, tour, stop, started_at=began, minutes=spent)


def _build_notes(track: Track, used: int) -> tuple[str, ...]:
    notes = []
    if track.waypoints:
        notes.append("The file has waypoints and no track: minutes are as planned")
    if unused := len(track.seconds) - used:
        notes.append(f"{format_plural(unused, 'fix from another time is', 'fixes from other times are')} left out")
    if track.untimed:
        notes.append(f"{format_plural(track.untimed, 'fix without a time is', 'fixes without a time are')} left out")
    if track.unzoned:
        notes.append(f"{format_plural(track.unzoned, 'time names', 'times name')} no zone: read as UTC, as GPX says")
    return tuple(notes)


def read_track(path: Path) -> Track:
    """Read a GPX file; DataError if it is another file, declares entities, is very long, or has no times."""
    check_file(path, most_bytes=MOST_BYTES)
    gpx = _parse_gpx(path)
    fixes = [fix for track in gpx.tracks for segment in track.segments for fix in segment.points]
    track_fixes = [fix for fix in fixes if fix.time is not None]
    waypoints = [mark for mark in gpx.waypoints if mark.time is not None]
    timed_fixes = track_fixes or waypoints
    if not timed_fixes:
        raise DataError(
            _RULE,
            f"{path.name} has {len(fixes):,} fixes and {len(gpx.waypoints):,} waypoints, none with a time",
            "a planned route has none: export what was recorded",
        )
    if len(timed_fixes) > MOST_POINTS:
        raise DataError(_RULE, f"{path.name} has more than {MOST_POINTS:,} fixes", "export one shift at a time")
    untimed = len(fixes) - len(track_fixes) if track_fixes else len(gpx.waypoints) - len(waypoints)
    return _build_track(path.name, timed_fixes, waypoints=not track_fixes, untimed=untimed)


def _build_track(name: str, fixes: list[Any], *, waypoints: bool, untimed: int) -> Track:
    lon = np.array([fix.longitude for fix in fixes], dtype=np.float64)
    lat = np.array([fix.latitude for fix in fixes], dtype=np.float64)
    if not (np.abs(lon) <= 180).all() or not (np.abs(lat) <= 90).all():  # noqa: PLR2004 - degrees
        raise DataError(_RULE, f"{name} has a fix that is not on the globe", "export it again")
    unzoned = sum(fix.time.tzinfo is None for fix in fixes)
    try:
        seconds = np.array([_to_utc_seconds(fix.time) for fix in fixes])
    except (ValueError, OverflowError) as error:
        raise DataError(
            _RULE, f"{name} has a time whose zone is a day or more from UTC", "correct it, or export it again"
        ) from error
    return Track(seconds, lon, lat, waypoints, unzoned, untimed)


def _to_utc_seconds(time: dt.datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()


def _parse_gpx(path: Path) -> Any:
    """The document as gpxpy reads it, if it is harmless; DataError otherwise."""
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

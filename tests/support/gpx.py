"""GPX files for tests: what a phone writes while a team walks its stops."""

import datetime as dt
from collections.abc import Sequence

__all__ = ["gpx_of", "walked"]

Fix = tuple[dt.datetime | None, float, float]


def gpx_of(fixes: Sequence[Fix], *, waypoints: bool = False, zone: str = "Z") -> str:
    """A document with the fixes (moment, lon, lat) as one track, or as waypoints."""
    tag = "wpt" if waypoints else "trkpt"
    points = "".join(
        f'<{tag} lat="{lat:.7f}" lon="{lon:.7f}">'
        + (f"<time>{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}{zone}</time>" if moment else "")
        + f"</{tag}>"
        for moment, lon, lat in fixes
    )
    body = points if waypoints else f"<trk><name>PC 1234 Smith</name><trkseg>{points}</trkseg></trk>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">{body}</gpx>'
    )


def walked(stays: Sequence[tuple[dt.datetime, float, float, float]], *, every_s: int = 30) -> list[Fix]:
    """Fixes of a team that is at each place (from, lon, lat, minutes), and between them 900 m to the north."""
    fixes: list[Fix] = []
    step, away = dt.timedelta(seconds=10), 0.008
    for begins, lon, lat, minutes in stays:
        seconds = range(0, round(minutes * 60) + 1, every_s)
        fixes.append((begins - step, lon, lat + away))
        fixes += [(begins + dt.timedelta(seconds=second), lon, lat) for second in seconds]
        fixes.append((begins + dt.timedelta(minutes=minutes) + step, lon, lat + away))
    return fixes

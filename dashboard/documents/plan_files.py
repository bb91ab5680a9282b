"""Every file that a plan can be: paper, devices, maps, spreadsheets and calendars."""

from collections.abc import Callable, Mapping
from typing import Final

from dashboard.documents.plan_calendar import build_plan_calendar
from dashboard.documents.plan_pdf import render_plan_pdf
from dashboard.documents.plan_tables import build_plan_csv, build_plan_xlsx
from dashboard.documents.plan_tracks import build_plan_geojson, build_plan_gpx, build_plan_kml
from geo.errors import UsageError
from layers.areas import Area
from layers.plans.plan import Plan

__all__ = ["PLAN_FILES", "build_plan_file"]

# Kind to what people call it, its media type, and how its name ends.
PLAN_FILES: Final[Mapping[str, tuple[str, str, str]]] = {
    "pdf": ("PDF to print", "application/pdf", ".pdf"),
    "gpx": ("GPX for devices", "application/gpx+xml", ".gpx"),
    "kml": ("KML for maps", "application/vnd.google-earth.kml+xml", ".kml"),
    "geojson": ("GeoJSON", "application/geo+json", ".geojson"),
    "csv": ("CSV", "text/csv", ".csv"),
    "xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
    "ics": ("Calendar", "text/calendar", ".ics"),
}
_MAKERS: Final[Mapping[str, Callable[[Plan, Area], bytes]]] = {
    "pdf": render_plan_pdf,
    "gpx": build_plan_gpx,
    "kml": build_plan_kml,
    "geojson": build_plan_geojson,
    "csv": build_plan_csv,
    "xlsx": build_plan_xlsx,
    "ics": build_plan_calendar,
}


def build_plan_file(plan: Plan, area: Area, kind: str) -> bytes:
    """The plan as a file of one of the kinds of PLAN_FILES; the same bytes for the same plan. UsageError for others."""
    if kind not in _MAKERS:
        raise UsageError(
            "A plan is written as one of its kinds of file", f"{kind!r} is none", f"choose from {', '.join(_MAKERS)}"
        )
    return _MAKERS[kind](plan, area)

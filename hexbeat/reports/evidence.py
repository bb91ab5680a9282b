"""An evidence pack: the incidents recorded near a place in a period, for a closure case. It is restricted.

It says what was recorded near a point, never who lives there. Everything that the pack says is in its content, a value
that JSON can hold. Every file made from it carries the SHA-256 of the content's canonical form, for a later check.
"""

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.distance import geodesic_m, offsets_m
from geo.errors import UsageError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.areas.area import Area
from hexbeat.reports.evidence_caveats import list_caveats
from hexbeat.reports.evidence_coverage import (
    count_months,
    count_totals,
    find_wards_around,
    list_unknown_days,
    list_unknown_months,
)
from hexbeat.store.load_log import list_rejects
from hexbeat.store.quality import SHARED_EVENTS, find_last_day, summarise_sources
from hexbeat.store.records import read_records
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments
from layers.access import Action, Viewer, may, require, require_document, requires_reason
from layers.catalogue import LAYER_NAMES, LAYERS, find_layer
from layers.columns import Columns
from layers.periods import get_coverage
from layers.timestamps import from_seconds
from layers.wording import MONTH_NAMES, format_date

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "FORMAT",
    "EvidenceRequest",
    "build_evidence",
    "build_incident_rows",
    "build_source_rows",
    "encode_canonical",
    "find_recorded_pack",
    "hash_content",
    "list_default_layers",
    "record_pack",
]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIDES: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
FORMAT: Final = "hexbeat-evidence/1"
LEAST_M, MOST_M = 20.0, 1000.0
MOST_LETTERS: Final = 120  # of a reference or a name


def list_default_layers() -> tuple[str, ...]:
    """The layers of a pack if none are named."""
    return tuple(spec.name for spec in LAYERS if spec.in_evidence)


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """A request for a pack: a point in degrees (WGS 84), `radius_m`, and the half-open period [start, end).

    `reference` names the case, `made_by` the person who makes the pack: both are written to its files and nowhere else.
    `layers` are names. `notes` includes free text, if a source profile stored it. `reason` says why, where the policy
    asks for it; it is for the audit trail alone and stands in no file. UsageError for a radius outside 20 to
    1000 m, an empty period, a missing or very long reference or name, or an unknown layer.
    """

    lon: float
    lat: float
    radius_m: float
    start: dt.date
    end: dt.date
    reference: str
    made_by: str
    layers: tuple[str, ...] = field(default_factory=list_default_layers)
    notes: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        if not LEAST_M <= self.radius_m <= MOST_M:
            raise UsageError(
                f"The radius of a pack is {LEAST_M:.0f} to {MOST_M:,.0f} metres",
                f"it was given as {self.radius_m:g}",
                "100 metres is usual",
            )
        if self.end <= self.start:
            raise UsageError(
                "A period begins before it ends, and its end is the first day that no longer counts",
                f"it is asked for from {self.start} to {self.end}",
                "for one day, give the day after it as the end",
            )
        for what, text in (("reference", self.reference), ("name", self.made_by)):
            if not text.strip() or len(text) > MOST_LETTERS:
                raise UsageError(
                    "A pack says for which case it is and who made it",
                    f"the {what} {'is empty' if not text.strip() else f'has more than {MOST_LETTERS} letters'}",
                    "write a reference and a name of a few words",
                )
        for name in self.layers:
            find_layer(name)

    def seconds(self, time_zone: str) -> tuple[int, int]:
        """The UTC seconds [from, to) of the period, whose days are local to the zone."""
        calendar = Calendar(time_zone)
        return calendar.day_start(self.start), calendar.day_start(self.end)


def build_evidence(
    store: "Store", viewer: Viewer, columns: Columns, area: Area, request: EvidenceRequest, *, made_at: dt.datetime
) -> dict[str, Any]:
    """The content of the pack, made at the aware time `made_at`. `request.reason` is not in it.

    PolicyError unless the viewer may make evidence of every requested layer; UsageError without a reason where the
    policy asks for one (`layers.access.requires_reason`); UsageError for a point outside the area.
    """
    for name in request.layers:
        require(viewer, Action.MAKE_EVIDENCE, name)
        require_document(viewer, "evidence")
        if requires_reason(viewer, Action.MAKE_EVIDENCE, name) and not request.reason.strip():
            raise UsageError(
                f"A pack with {name} needs a reason, because it is about people's health",
                "no reason was given",
                "say in a few words why the case needs them",
            )
    ward = int(area.wards.locate([request.lon], [request.lat])[0])
    if ward < 0:
        raise UsageError(
            "The place of a pack lies in the area served",
            f"{request.lat:.5f}, {request.lon:.5f} lies outside {area.title}",
            "check the order: latitude is about 54, longitude about -1",
        )
    index, distance = find_near(columns, request, area)
    frame = read_records(store, viewer, columns.row_id[index].tolist(), note=request.notes)
    rows = build_incident_rows(frame, columns, index, distance, request=request, area=area)
    coverage, period = get_coverage(columns, time_zone=area.time_zone), (request.start, request.end)
    around = find_wards_around(area, request.lon, request.lat, request.radius_m)
    not_known = list_unknown_days(coverage, around, period, request.layers)
    months_not_known = list_unknown_months(coverage, around, period, request.layers, rows)
    content = {
        "format": FORMAT,
        "area": area.name,
        "area_title": area.title,
        "attribution": area.attribution,
        "reference": request.reference,
        "made_by": request.made_by,
        "made_at": made_at.astimezone(area.tz).isoformat(timespec="seconds"),
        "lon": round(request.lon, 6),
        "lat": round(request.lat, 6),
        "ward_code": area.wards.codes[ward],
        "ward_name": area.wards.names[ward],
        "radius_m": round(request.radius_m, 1),
        "start": request.start.isoformat(),
        "end": request.end.isoformat(),
        "layers": [name for name in LAYER_NAMES if name in request.layers],
        "incidents": rows,
        "totals": count_totals(rows, request.layers, not_known),
        "months": count_months(rows, request.layers, months_not_known),
        "sources": build_source_rows(store, viewer, rows, request.layers, time_zone=area.tz),
        "not_known": not_known,
        "months_not_known": months_not_known,
        "demonstration": find_demonstration_mark(columns) or "",
    }
    return content | {"caveats": list_caveats(content)}


def find_near(columns: Columns, request: EvidenceRequest, area: Area) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The events of the layers within the radius that may lie in the period, and their distances, in order of time.

    Index (n,) into the columns, and metres (n,) on the ellipsoid.
    """
    low, high = request.seconds(area.time_zone)
    codes = [LAYER_NAMES.index(name) for name in request.layers]
    span = request.radius_m / 50_000  # degrees: more than the radius at any latitude served
    close = np.flatnonzero(
        np.isin(columns.layer, codes)
        & (np.abs(columns.lat - request.lat) < span)
        & (np.abs(columns.lon - request.lon) < 2 * span)
        & (columns.start < high)
        & ((columns.end > low) | ((columns.start == columns.end) & (columns.start >= low)))
    )
    if not len(close):
        return close, np.zeros(0)
    lon, lat = np.full(len(close), request.lon), np.full(len(close), request.lat)
    distance = geodesic_m(lon, lat, to_lon=columns.lon[close], to_lat=columns.lat[close])
    inside = distance <= request.radius_m
    return close[inside], distance[inside]


def encode_canonical(content: dict[str, Any]) -> bytes:
    """The canonical form of a content, which is hashed: JSON in UTF-8, names sorted, no blanks between the parts."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def hash_content(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical form, in 64 hexadecimal digits."""
    return hashlib.sha256(encode_canonical(content)).hexdigest()


def record_pack(documents: SharedDocuments, digest: str, made_at: dt.datetime) -> None:
    """Record that a pack with this SHA-256 was made at the aware time; an earlier record stays as it is."""
    text = made_at.astimezone(dt.UTC).isoformat(timespec="seconds")
    documents.update(DocumentKind.EVIDENCE, digest, lambda before: before or text.encode("ascii"))


def find_recorded_pack(documents: SharedDocuments | None, digest: str) -> dt.datetime | None:
    """When a pack with this SHA-256 was made with this store; None if it was not, or without a store."""
    if documents is None or not _DIGEST.fullmatch(digest):
        return None
    document = documents.read(DocumentKind.EVIDENCE, digest)
    try:
        return None if document is None else dt.datetime.fromisoformat(document.content.decode("ascii"))
    except ValueError:
        return None


def build_source_rows(
    store: "Store",
    viewer: Viewer,
    rows: Sequence[dict[str, Any]],
    layers: Sequence[str],
    *,
    time_zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """A row for each source of these layers, used or not, and for each source of which every row was rejected.

    layer: "" if every row was rejected, because its layer is then not known; events: live events of the source,
    anywhere; used: records in this pack; rejects and reasons: of the latest load of each of its files (no reasons for
    one who may not see rejects); last_record: "" if there is none; month_only: it is known only to its month, whose
    last day is given; without_time and snapped: shares, to a thousandth.
    """
    used = Counter((row["source"], row["layer"]) for row in rows)
    summary = summarise_sources(store, viewer)
    rejects = list_rejects(store.engine, viewer) if may(viewer, Action.SEE_REJECTS) else None
    source_rows = []
    summary = summary.assign(layer=summary["layer"].astype("object").where(summary["layer"].notna(), ""))
    for row in summary[summary["layer"].isin(["", *layers])].to_dict("records"):
        reasons = (
            Counter[str]() if rejects is None else Counter(rejects.loc[rejects["source"] == row["source"], "reason"])
        )
        source_rows.append(
            {
                "source": str(row["source"]),
                "layer": str(row["layer"]),
                "used": used[str(row["source"]), str(row["layer"])],
                "events": int(row["events"]),
                "last_record": _find_last_record(row, time_zone).isoformat() if row["layer"] else "",
                **({"month_only": True} if row["month_only"] else {}),
                "without_time": round(float(row["without_time"]), 3),
                "snapped": round(float(row["snapped"]), 3),
                "rejects": int(row["rejects"]),
                "reasons": dict(sorted((str(name), number) for name, number in reasons.items())),
            }
        )
    return source_rows


def _find_last_record(row: dict[Hashable, Any], time_zone: ZoneInfo) -> dt.date:
    return find_last_day(int(row["last_record"]), month_only=bool(row["month_only"]), time_zone=time_zone)


def build_incident_rows(
    frame: pd.DataFrame,
    columns: Columns,
    index: NDArray[np.int64],
    distance: NDArray[np.float64],
    *,
    request: "EvidenceRequest",
    area: Area,
) -> list[dict[str, Any]]:
    """A row for each record of `frame` (hexbeat.store.records), in order of time, numbered from 1.

    `surely`: the whole interval to which its time is known lies in the period. `shared_point`: at least SHARED_EVENTS
    live events have the same coordinates, so the publisher may have moved it there. `location_precision` is what its
    source says of its place, "" for nothing; `location_precision_m` the metres by which it may be off, null.
    """
    distances = dict(zip(columns.row_id[index].tolist(), distance.tolist(), strict=True))
    low, high = request.seconds(area.time_zone)
    ordered = frame.sort_values(["occurred_from", "layer", "source", "source_id"], ignore_index=True)
    rows = []
    for number, record in enumerate(ordered.to_dict("records"), start=1):
        start, end = int(record["occurred_from"]), int(record["occurred_to"])
        lon, lat = float(record["lon"]), float(record["lat"])
        is_state = find_layer(str(record["layer"])).kind == "state"
        metres = record["location_precision_m"]
        rows.append(
            {
                "number": number,
                "layer": str(record["layer"]),
                "when": format_when(start, end, str(record["time_precision"]), state=is_state, area=area),
                "month": f"{from_seconds(start).astimezone(area.tz):%Y-%m}",
                "from": from_seconds(start).isoformat(),
                "to": from_seconds(end).isoformat(),
                "precision": str(record["time_precision"]),
                "surely": is_state or (start >= low and end <= high),
                "distance_m": round(distances[int(record["row_id"])]),
                "side": find_direction(request.lon, request.lat, lon, lat),
                "lon": round(lon, 6),
                "lat": round(lat, 6),
                "location_precision": format_text(record["location_precision"]),
                "location_precision_m": None if pd.isna(metres) else round(float(metres), 1),
                "shared_point": int(((columns.lon == lon) & (columns.lat == lat)).sum()) >= SHARED_EVENTS,
                "category": format_text(record["category"]),
                "quantity": int(record["quantity"]),
                "reported_by": str(record["reported_by"]),
                "status": format_text(record["status"]),
                "source": str(record["source"]),
                "source_id": str(record["source_id"]),
                **({"note": format_text(record.get("note"))} if request.notes else {}),
            }
        )
    return rows


def format_text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def format_when(start: int, end: int, precision: str, *, state: bool, area: Area) -> str:
    """As in "21 Nov 2026, 14:05", "21 Nov 2026", "Oct 2026 (month only)", "24 Aug 2026 to 23 Nov 2026"."""
    first = from_seconds(start).astimezone(area.tz)
    last = from_seconds(max(end - 1, start)).astimezone(area.tz)
    if state or (precision != "month" and first.date() != last.date()):
        return f"{format_date(first.date())} to {format_date(last.date())}"
    if precision == "month":
        return f"{MONTH_NAMES[first.month - 1]} {first.year} (month only)"
    return f"{format_date(first.date())}, {first:%H:%M}" if precision == "minute" else format_date(first.date())


def find_direction(lon: float, lat: float, to_lon: float, to_lat: float) -> str:
    """The direction from the place to a point, as one of eight compass points; "" at the place itself."""
    east, north = offsets_m(to_lon, to_lat, origin_lon=lon, origin_lat=lat)[0].tolist()
    if east == 0 and north == 0:
        return ""
    return _SIDES[round(float(np.degrees(np.arctan2(east, north))) / 45) % 8]

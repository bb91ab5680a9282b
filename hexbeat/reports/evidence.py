"""An evidence pack: the incidents recorded near a place in a period, for a closure case; restricted, and verifiable.

It speaks of what was recorded near a point, never of who lives there. Everything that the pack says is in its content,
a value that JSON holds; a SHA-256 of its canonical form stands in every file that is made of it.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hexbeat.files import atomic_write
from hexbeat.store.load_log import list_rejects
from hexbeat.store.quality import summarise_sources
from layers.access import Viewer
from layers.timestamps import from_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.calendar import Calendar
from geo.distance import geodesic_m, offsets_m
from geo.errors import UsageError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.areas.area import Area
from hexbeat.reports.evidence_caveats import list_caveats
from hexbeat.store.quality import SHARED_EVENTS
from hexbeat.store.records import read_records
from layers.access import Action, require
from layers.catalogue import LAYER_NAMES, LAYERS, find_layer
from layers.columns import Columns
from layers.wording import MONTH_NAMES, format_date

__all__ = [
    "FORMAT",
    "EvidenceRequest",
    "build_evidence",
    "build_incident_rows",
    "build_source_rows",
    "count_months",
    "count_totals",
    "encode_canonical",
    "find_recorded_pack",
    "hash_content",
    "list_default_layers",
    "record_pack",
]

_FOLDER: Final = "evidence"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIDES: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
FORMAT: Final = "hexbeat-evidence/1"
LEAST_M, MOST_M = 20.0, 1000.0
LONGEST: Final = 120  # letters of a reference or a name


def list_default_layers() -> tuple[str, ...]:
    """The layers of a pack that asks for none by name."""
    return tuple(spec.name for spec in LAYERS if spec.in_evidence)


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """What a pack is asked for: around a point in degrees (WGS 84), `radius_m`, the half-open period [start, end).

    `reference` names the case, `made_by` who makes the pack: both stand in its files and nowhere else. `layers` are
    names. `notes` asks for free text where a source profile stored it. UsageError for what makes no sense.
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
        for what, words in (("reference", self.reference), ("name", self.made_by)):
            if not words.strip() or len(words) > LONGEST:
                raise UsageError(
                    "A pack says for which case it is and who made it",
                    f"the {what} {'is empty' if not words.strip() else f'has more than {LONGEST} letters'}",
                    "give --for and --by a few words",
                )
        for name in self.layers:
            find_layer(name)

    def seconds(self, time_zone: str) -> tuple[int, int]:
        """The UTC seconds [from, to) of the period, whose days are local to the zone."""
        calendar = Calendar(time_zone)
        return calendar.day_start(self.start), calendar.day_start(self.end)


def build_evidence(
    store: "Store", viewer: Viewer, columns: Columns, area: Area, ask: EvidenceRequest, *, made: dt.datetime
) -> dict[str, Any]:
    """The content of the pack, made at the aware moment `made`.

    PolicyError unless the viewer may make evidence of every layer asked for; UsageError for a point outside the area.
    """
    for name in ask.layers:
        require(viewer, Action.MAKE_EVIDENCE, name)
    ward = int(area.wards.locate([ask.lon], [ask.lat])[0])
    if ward < 0:
        raise UsageError(
            "The place of a pack lies in the area served",
            f"{ask.lat:.5f}, {ask.lon:.5f} lies outside {area.title}",
            "check the order: latitude is about 54, longitude about -1",
        )
    chosen, distance = find_near(columns, ask, area)
    frame = read_records(store, viewer, columns.row_id[chosen].tolist(), note=ask.notes)
    rows = build_incident_rows(frame, columns, chosen, distance, ask=ask, area=area)
    content = {
        "format": FORMAT,
        "area": area.name,
        "area_title": area.title,
        "attribution": area.attribution,
        "reference": ask.reference,
        "made_by": ask.made_by,
        "made_at": made.astimezone(area.tz).isoformat(timespec="seconds"),
        "lon": round(ask.lon, 6),
        "lat": round(ask.lat, 6),
        "ward_code": area.wards.codes[ward],
        "ward_name": area.wards.names[ward],
        "radius_m": round(ask.radius_m, 1),
        "start": ask.start.isoformat(),
        "end": ask.end.isoformat(),
        "layers": [name for name in LAYER_NAMES if name in ask.layers],
        "incidents": rows,
        "totals": count_totals(rows, ask.layers),
        "months": count_months(rows, ask.layers),
        "sources": build_source_rows(store, viewer, rows, ask.layers),
        "demonstration": find_demonstration_mark(columns) or "",
    }
    return content | {"caveats": list_caveats(content)}


def find_near(columns: Columns, ask: EvidenceRequest, area: Area) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The events of the layers within the radius and, at least possibly, in the period; by time; and how far they are.

    Distances in metres on the ellipsoid.
    """
    low, high = ask.seconds(area.time_zone)
    codes = [LAYER_NAMES.index(name) for name in ask.layers]
    span = ask.radius_m / 50_000  # degrees: more than the radius at any latitude served
    close = np.flatnonzero(
        np.isin(columns.layer, codes)
        & (np.abs(columns.lat - ask.lat) < span)
        & (np.abs(columns.lon - ask.lon) < 2 * span)
        & (columns.start < high)
        & ((columns.end > low) | ((columns.start == columns.end) & (columns.start >= low)))
    )
    if not len(close):
        return close, np.zeros(0)
    lon, lat = np.full(len(close), ask.lon), np.full(len(close), ask.lat)
    distance = geodesic_m(lon, lat, to_lon=columns.lon[close], to_lat=columns.lat[close])
    inside = distance <= ask.radius_m
    return close[inside], distance[inside]


def encode_canonical(content: dict[str, Any]) -> bytes:
    """The one form in which a content is hashed: JSON in UTF-8, names sorted, nothing between them."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def hash_content(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical form, in 64 hexadecimal digits."""
    return hashlib.sha256(encode_canonical(content)).hexdigest()


def record_pack(home: Path, digest: str, made: dt.datetime) -> None:
    """Remember that a pack with this SHA-256 was made at the aware moment; the first time counts."""
    folder = home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if find_recorded_pack(home, digest) is None:
        with atomic_write(folder / digest) as draft:
            draft.write_text(made.astimezone(dt.UTC).isoformat(timespec="seconds"), encoding="ascii")


def find_recorded_pack(home: Path, digest: str) -> dt.datetime | None:
    """When a pack with this SHA-256 was made here; None if it was not."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        return dt.datetime.fromisoformat((home / _FOLDER / digest).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def build_source_rows(
    store: "Store", viewer: Viewer, rows: Sequence[dict[str, Any]], layers: Sequence[str]
) -> list[dict[str, Any]]:
    """A row for each source of these layers, used or not, and for each source of which every row was rejected.

    layer: "" where every row was rejected, as none then says of what layer it was; events: live ones of the source,
    anywhere; used: of this pack; rejects and reasons: of the latest load of each of its files; last_record: "" of none;
    without_time and snapped: shares, to a thousandth.
    """
    used = Counter((row["source"], row["layer"]) for row in rows)
    summary = summarise_sources(store, viewer)
    rejects = list_rejects(store.engine, viewer)
    found = []
    summary = summary.assign(layer=summary["layer"].astype("object").where(summary["layer"].notna(), ""))
    for row in summary[summary["layer"].isin(["", *layers])].to_dict("records"):
        reasons = Counter(rejects.loc[rejects["source"] == row["source"], "reason"])
        found.append(
            {
                "source": str(row["source"]),
                "layer": str(row["layer"]),
                "used": used[str(row["source"]), str(row["layer"])],
                "events": int(row["events"]),
                "last_record": from_seconds(int(row["last_record"])).date().isoformat() if row["layer"] else "",
                "without_time": round(float(row["without_time"]), 3),
                "snapped": round(float(row["snapped"]), 3),
                "rejects": int(row["rejects"]),
                "reasons": dict(sorted((str(name), number) for name, number in reasons.items())),
            }
        )
    return found


def build_incident_rows(
    frame: pd.DataFrame,
    columns: Columns,
    chosen: NDArray[np.int64],
    distance: NDArray[np.float64],
    *,
    ask: "EvidenceRequest",
    area: Area,
) -> list[dict[str, Any]]:
    """A row for each record of `frame` (hexbeat.store.records), in the order of time, numbered from 1.

    `surely` says that the whole time to which it is known lies in the period; `shared_point` that at least
    SHARED_EVENTS live events have the very same coordinates, so that the publisher may have moved it there.
    """
    far = dict(zip(columns.row_id[chosen].tolist(), distance.tolist(), strict=True))
    low, high = ask.seconds(area.time_zone)
    ordered = frame.sort_values(["occurred_from", "layer", "source", "source_id"], ignore_index=True)
    rows = []
    for number, record in enumerate(ordered.to_dict("records"), start=1):
        start, end = int(record["occurred_from"]), int(record["occurred_to"])
        lon, lat = float(record["lon"]), float(record["lat"])
        state = find_layer(str(record["layer"])).kind == "state"
        rows.append(
            {
                "number": number,
                "layer": str(record["layer"]),
                "when": format_when(start, end, str(record["time_precision"]), state=state, area=area),
                "month": f"{from_seconds(start).astimezone(area.tz):%Y-%m}",
                "from": from_seconds(start).isoformat(),
                "to": from_seconds(end).isoformat(),
                "precision": str(record["time_precision"]),
                "surely": state or (start >= low and end <= high),
                "distance_m": round(far[int(record["row_id"])]),
                "side": find_direction(ask.lon, ask.lat, lon, lat),
                "lon": round(lon, 6),
                "lat": round(lat, 6),
                "shared_point": int(((columns.lon == lon) & (columns.lat == lat)).sum()) >= SHARED_EVENTS,
                "category": format_text(record["category"]),
                "quantity": int(record["quantity"]),
                "reported_by": str(record["reported_by"]),
                "status": format_text(record["status"]),
                "source": str(record["source"]),
                "source_id": str(record["source_id"]),
                **({"note": format_text(record.get("note"))} if ask.notes else {}),
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
    """On which side of the place a point lies, by the eight winds; "" at the place itself."""
    east, north = offsets_m(to_lon, to_lat, origin_lon=lon, origin_lat=lat)[0].tolist()
    if east == 0 and north == 0:
        return ""
    return _SIDES[round(float(np.degrees(np.arctan2(east, north))) / 45) % 8]


def count_totals(rows: Sequence[dict[str, Any]], layers: Sequence[str]) -> list[dict[str, Any]]:
    """For each layer how many records there are, and how many of them may lie outside the period."""
    return [
        {
            "layer": name,
            "records": sum(row["layer"] == name for row in rows),
            "unsure": sum(row["layer"] == name and not row["surely"] for row in rows),
        }
        for name in LAYER_NAMES
        if name in layers
    ]


def count_months(rows: Sequence[dict[str, Any]], layers: Sequence[str]) -> list[dict[str, Any]]:
    """For each month with a record how many began in it, by layer, the oldest first."""
    counts = Counter((row["month"], row["layer"]) for row in rows)
    months = sorted({month for month, _ in counts})
    return [
        {"month": month, **{name: counts[month, name] for name in LAYER_NAMES if name in layers}} for month in months
    ]

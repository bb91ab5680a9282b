"""An evidence pack: the incidents recorded near a place in a period, for a closure case; restricted, and verifiable.

It speaks of what was recorded near a point, never of who lives there. Everything that the pack says is in its content,
a value that JSON holds; a SHA-256 of its canonical form stands in every file that is made of it.
"""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from geo.calendar import Calendar
from geo.errors import UsageError
from layers.access import Action, Viewer, require
from layers.areas import Area
from layers.catalogue import LAYER_NAMES, find_layer
from layers.columns import Columns
from layers.counts_export import find_demonstration_mark
from layers.evidence.caveats import list_caveats
from layers.evidence.rows import build_incident_rows, count_months, count_totals
from layers.evidence.sources import build_source_rows
from layers.storage.reading import read_records

if TYPE_CHECKING:
    from layers.storage.store import Store

__all__ = ["DEFAULT_LAYERS", "FORMAT", "EvidenceRequest", "build_evidence", "encode_canonical", "hash_content"]

FORMAT: Final = "hexbeat-evidence/1"
# Overdoses are about the health of people: they enter a pack only when they are asked for by name.
DEFAULT_LAYERS: Final = ("needle_litter", "street_dealing", "closed_properties")
LEAST_M, MOST_M = 20.0, 1000.0
LONGEST: Final = 120  # letters of a reference or a name
_GEOD: Final = Geod(ellps="WGS84")


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
    layers: tuple[str, ...] = DEFAULT_LAYERS
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
    at = np.full(len(close), ask.lon), np.full(len(close), ask.lat)
    distance = np.asarray(_GEOD.inv(*at, columns.lon[close], columns.lat[close])[2], dtype=np.float64)
    inside = distance <= ask.radius_m
    return close[inside], distance[inside]


def encode_canonical(content: dict[str, Any]) -> bytes:
    """The one form in which a content is hashed: JSON in UTF-8, names sorted, nothing between them."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def hash_content(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical form, in 64 hexadecimal digits."""
    return hashlib.sha256(encode_canonical(content)).hexdigest()

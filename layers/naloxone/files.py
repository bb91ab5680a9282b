"""Places that hold naloxone, and the next ones, as files."""

import json
from collections.abc import Mapping

import pandas as pd

from layers.naloxone.cover import NaloxoneCover
from layers.plain_cells import escape_formulas

__all__ = ["build_cover_csv", "build_cover_geojson"]


def build_cover_csv(found: NaloxoneCover, *, note: Mapping[str, str]) -> bytes:
    """One row a place, `role` holds or next, with what it covers or would add."""
    return escape_formulas(_rows(found).assign(**dict(note))).to_csv(index=False, lineterminator="\n").encode()


def build_cover_geojson(found: NaloxoneCover, *, note: Mapping[str, str]) -> bytes:
    """The same as points (RFC 7946), the note in the member "metadata"."""
    rows = json.loads(_rows(found).to_json(orient="records"))
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name not in ("lon", "lat")},
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "metadata": dict(note), "features": features}).encode()


def _rows(found: NaloxoneCover) -> pd.DataFrame:
    holders = found.holders.assign(role="holds")[["role", "name", "ward_name", "lon", "lat", "hours", "open", "near"]]
    chosen = found.next_places.assign(role="next")[
        ["role", "rank", "name", "ward_name", "lon", "lat", "gain", "share_after"]
    ]
    rows = pd.concat([one for one in (holders, chosen) if len(one)] or [holders], ignore_index=True)
    return rows.round({"lon": 6, "lat": 6})

"""Frames of events for tests of the store: plain rows, with what a test cares about set by hand."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely

from geo.wards import Wards
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import EVENT_COLUMNS

WARDS: Final = ("E05000001", "E05000002")
LONS: Final = {WARDS[0]: -1.25, WARDS[1]: -1.15}  # a place in each ward, all at one latitude
_START: Final = 1_700_000_000

_PLAIN: Final[Mapping[str, Any]] = {
    "layer": "needle_litter",
    "source": "table",
    "lon": -1.25,
    "lat": 54.57,
    "occurred_from": _START,
    "time_precision": "minute",
    "quantity": 1,
    "category": None,
    "reported_by": "public",
    "status": None,
    "h3_08": 0x88195DA49BFFFFF,
    "h3_09": 0x89195DA49B3FFFF,
    "h3_10": 0x8A195DA49B37FFF,
    "h3_11": 0x8B195DA49B36FFF,
    "ward_code": WARDS[0],
    "scope": None,
    "note": None,
}


def wards_around(*codes: str) -> Wards:
    """Square wards of 0.08 degrees around the places of these codes."""
    squares = [shapely.box(LONS[code] - 0.04, 54.53, LONS[code] + 0.04, 54.61) for code in codes]
    return Wards(codes, codes, np.array(squares, dtype=object))


BOTH: Final = wards_around(*WARDS)


def event_frame(source_ids: Iterable[str], **columns: Any) -> pd.DataFrame:
    """One event an identifier; a column given is a value for all, or one value a row."""
    frame = pd.DataFrame({"source_id": pd.Series(list(source_ids), dtype="object")})
    for name, value in (dict(_PLAIN) | columns).items():
        frame[name] = pd.Series([value] * len(frame), dtype="object") if value is None else value
    if "occurred_to" not in columns:
        frame["occurred_to"] = frame["occurred_from"]
    whole = ("quantity", "occurred_from", "occurred_to")
    types = dict.fromkeys(whole, np.int64) | {f"h3_{r:02d}": np.uint64 for r in (8, 9, 10, 11)}
    return frame.astype(types)[list(EVENT_COLUMNS)]


def reject_frame(lines: Mapping[int, tuple[str, str]]) -> pd.DataFrame:
    """Rejects: line to (reason, raw)."""
    rows = [(line, reason, raw) for line, (reason, raw) in lines.items()]
    return pd.DataFrame.from_records(rows, columns=["line", "reason", "raw"]).astype({"line": "int64"})


def load(
    store: Store,
    frame: pd.DataFrame,
    *,
    name: str = "a.csv",
    cover: Iterable[str] = (),
    wards: Wards = BOTH,
    **options: Any,
) -> FileTally:
    """Load one file; its final tally. `cover` are the scopes that it replaces in the wards."""
    with (
        store.begin_load(ANALYST, area="middlesbrough", **options) as entry,
        entry.file(name, "table", sha256="0" * 64, snapshot=bool(cover)) as part,
    ):
        part.add_events(frame)
        if cover:
            part.cover(cover, wards=wards)
    return part.tally

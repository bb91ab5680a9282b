"""What the sources of an evidence pack are worth: how much of each was rejected, and how exact it is."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layers.access import Viewer
from layers.moments import from_seconds
from layers.quality import summarise_sources
from layers.storage.batches import list_rejects

if TYPE_CHECKING:
    from layers.storage.store import Store

__all__ = ["build_source_rows"]


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

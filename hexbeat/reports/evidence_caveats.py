"""What a reader of an evidence pack must know before relying on it: made from the pack's own facts."""

from collections.abc import Mapping
from typing import Any, Final

from layers.catalogue import LAYERS
from layers.wording import format_list, format_number

__all__ = ["list_caveats"]

_NEAR: Final = (
    "These are records of what was reported or found near a place. They do not say that anything happened at an "
    "address, and nothing about who lives there or owns it."
)
_ANCHORED: Final = "police-uk"  # sources whose publisher moves every record to the nearest of its fixed points


def list_caveats(content: Mapping[str, Any]) -> list[str]:
    """Sentences, the gravest first; every one true of this very content."""
    rows = content["incidents"]
    said = [_NEAR]
    anchored = sum(str(row["source"]).startswith(_ANCHORED) for row in rows)
    if anchored:
        said.append(
            f"{_of(anchored, rows)} from police.uk, which moves every record to one of its own points, such as the "
            "middle of a street: they are not at the address, and the distance given is to that point."
        )
    shared = sum(row["shared_point"] and not str(row["source"]).startswith(_ANCHORED) for row in rows)
    if shared:
        said.append(
            f"{_of(shared, rows)} at coordinates that several records have: their publisher may have moved them there, "
            "or as much truly happened there."
        )
    months = sum(row["precision"] == "month" for row in rows)
    if months:
        said.append(f"{_of(months, rows)} known only to the month.")
    days = sum(row["precision"] == "day" for row in rows)
    if days:
        said.append(f"{_of(days, rows)} known only to the day.")
    unsure = sum(not row["surely"] for row in rows)
    if unsure:
        said.append(f"{_of(unsure, rows)} known to a time that lies only partly in the period.")
    sweeps = sum(row["reported_by"] == "sweep" for row in rows)
    if sweeps:
        said.append(f"{_of(sweeps, rows)} found by sweeps: where one searches, one finds.")
    return [*said, *_left_out(content)]


def _left_out(content: Mapping[str, Any]) -> list[str]:
    """Which layers the pack does not have, and that reports may be several for one event."""
    lacking = [spec.many for spec in LAYERS if spec.name not in content["layers"]]
    said = [f"{format_list(lacking).capitalize()} are not part of this pack."] if lacking else []
    rejected = sum({row["source"]: row["rejects"] for row in content["sources"]}.values())
    if rejected:
        said.append(
            f"{format_number(rejected)} rows of these sources' files could not be used, and are not counted anywhere."
        )
    return [*said, "One event may have been reported more than once; records may still arrive, or be corrected."]


def _of(number: int, rows: list[Any]) -> str:
    """As in "3 of the 12 records are"."""
    return f"{number:,} of the {len(rows):,} records {'is' if number == 1 else 'are'}"

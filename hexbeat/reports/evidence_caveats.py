"""The caveats of an evidence pack, made from its own facts."""

from collections.abc import Mapping
from typing import Any, Final

from layers.catalogue import LAYERS, find_layer
from layers.wording import format_list, format_number

__all__ = ["list_caveats"]

_SCOPE: Final = (
    "These are records of what was reported or found near a place. They do not say that anything happened at an "
    "address, and nothing about who lives there or owns it."
)
_SNAPPED_SOURCE: Final = "police-uk"  # the publisher of these sources moves every record to a fixed point nearby


def list_caveats(content: Mapping[str, Any]) -> list[str]:
    """Sentences, the most serious first. Each is said only if it is true of this content."""
    rows = content["incidents"]
    caveats = [_SCOPE, *_list_unknown_days(content)]
    anchored = sum(str(row["source"]).startswith(_SNAPPED_SOURCE) for row in rows)
    if anchored:
        caveats.append(
            f"{_format_share(anchored, rows)} from police.uk, which moves every record to one of its own points, such "
            "as the middle of a street: they are not at the address, and the distance given is to that point."
        )
    shared = sum(row["shared_point"] and not str(row["source"]).startswith(_SNAPPED_SOURCE) for row in rows)
    if shared:
        caveats.append(
            f"{_format_share(shared, rows)} at coordinates that several records have: their publisher may have moved "
            "them there, or as much truly happened there."
        )
    months = sum(row["precision"] == "month" for row in rows)
    if months:
        caveats.append(f"{_format_share(months, rows)} known only to the month.")
    days = sum(row["precision"] == "day" for row in rows)
    if days:
        caveats.append(f"{_format_share(days, rows)} known only to the day.")
    unsure = sum(not row["surely"] for row in rows)
    if unsure:
        caveats.append(f"{_format_share(unsure, rows)} known to a time that lies only partly in the period.")
    sweeps = sum(row["reported_by"] == "sweep" for row in rows)
    if sweeps:
        caveats.append(f"{_format_share(sweeps, rows)} found by sweeps: where one searches, one finds.")
    return [*caveats, *_list_omissions(content)]


def _list_unknown_days(content: Mapping[str, Any]) -> list[str]:
    """Which days of the period are not known, layer by layer."""
    return [
        f"{find_layer(row['layer']).title}: {row['missing']}. That is not the same as none."
        for row in content.get("not_known", [])
    ]


def _list_omissions(content: Mapping[str, Any]) -> list[str]:
    """The layers that the pack leaves out, the rejected rows, and that one event may have several reports."""
    lacking = [spec.many for spec in LAYERS if spec.name not in content["layers"]]
    sentences = [f"{format_list(lacking).capitalize()} are not part of this pack."] if lacking else []
    rejected = sum({row["source"]: row["rejects"] for row in content["sources"]}.values())
    if rejected:
        sentences.append(
            f"{format_number(rejected)} rows of these sources' files could not be used, and are not counted anywhere."
        )
    return [*sentences, "One event may have been reported more than once; records may still arrive, or be corrected."]


def _format_share(number: int, rows: list[Any]) -> str:
    """As in "3 of the 12 records are"."""
    return f"{number:,} of the {len(rows):,} records {'is' if number == 1 else 'are'}"

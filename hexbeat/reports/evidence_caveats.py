"""The caveats of an evidence pack, made from its own facts."""

from collections.abc import Mapping
from typing import Any, Final

from layers.catalogue import LAYERS, find_layer
from layers.wording import format_list, format_plural

__all__ = ["list_caveats"]

_SCOPE: Final = (
    "These are records of what was reported or found near a place. They do not say that anything happened at an "
    "address, and nothing about who lives there or owns it."
)
_POLICE_UK: Final = "police-uk"  # how the sources of this publisher begin
_PLACES: Final = {
    "police-uk": "from police.uk, which moves every record to one of its own points, such as the middle of a street",
    "snapped": "from sources that move every record to one of their own points",
    "postcode": "placed at the middle of a postcode",
    "street": "placed at one point of a street",
    "randomised": "moved at random by their source",
}


def list_caveats(content: Mapping[str, Any]) -> list[str]:
    """Sentences, the most serious first. Each is said only if it is true of this content."""
    rows = content["incidents"]
    caveats = [_SCOPE, *_list_unknown_days(content)]
    caveats += _list_places(rows)
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


def _list_places(rows: list[Any]) -> list[str]:
    """How well the places are known: what the sources say, and else which records share their coordinates."""
    sentences = []
    kinds = [_name_place(row) for row in rows]
    for kind, fact in _PLACES.items():
        if number := kinds.count(kind):
            sentences.append(
                f"{_format_share(number, rows)} {fact}: they are not at the address, and the distance given is to that "
                "point."
            )
    metres = max((row["location_precision_m"] or 0 for row in rows), default=0)
    if metres:
        sentences.append(
            f"True places may lie up to {metres:,.0f} m from the points given: some records may belong elsewhere, and "
            "some of this place may be missing."
        )
    shared = sum(row["shared_point"] and not kind for row, kind in zip(rows, kinds, strict=True))
    if shared:
        sentences.append(
            f"{_format_share(shared, rows)} at coordinates that several records have: their publisher may have moved "
            "them there, or as much truly happened there."
        )
    return sentences


def _name_place(row: Mapping[str, Any]) -> str:
    """What a source says of a place; the publisher where it is police.uk."""
    kind = str(row["location_precision"])
    return _POLICE_UK if kind in {"", "snapped"} and str(row["source"]).startswith(_POLICE_UK) else kind


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
            f"{format_plural(rejected, 'row', 'rows')} of these sources' files could not be used, and "
            f"{'is' if rejected == 1 else 'are'} not counted anywhere."
        )
    return [*sentences, "One event may have been reported more than once; records may still arrive, or be corrected."]


def _format_share(number: int, rows: list[Any]) -> str:
    """As in "3 of the 12 records are"."""
    return f"{number:,} of the {len(rows):,} records {'is' if number == 1 else 'are'}"

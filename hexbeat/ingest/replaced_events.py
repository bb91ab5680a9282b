"""Shows what of a load the store knows: events that it would replace, and identifiers that another source has.

Events are beside the rows that would replace them, as far as a viewer may see them; of identifiers only the number.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.store.replacements import Replacements
from layers.access import Action, Viewer, may
from layers.timestamps import from_seconds
from layers.wording import MONTH_NAMES, format_date, format_number

__all__ = ["build_replacement_rows", "describe_known_references", "describe_replacements"]

_HIDDEN: Final = dict.fromkeys(("day", "quantity", "place"), "not shown to your role")


def describe_replacements(file: str, replacements: Replacements) -> str:
    """As in "finds.csv: 4 of 4 known identifiers come with another day and another place"; "" if none does."""
    if not replacements.replaced:
        return ""
    verb = "come" if replacements.replaced > 1 else "comes"
    return (
        f"{file}: {replacements.replaced:,} of {replacements.met:,} known identifiers {verb} with "
        f"{replacements.differences}"
    )


def describe_known_references(
    file: str, references: Mapping[str, int], *, accepted: int, dry_run: bool, undo: str
) -> list[str]:
    """A notice for each other source that has identifiers of a file in the same layer; no identifier is in it.

    `undo` names what takes back the last load, in the words of where the person is.
    """
    twice = (
        f"each would count twice: undo that load first ({undo} takes back the last load)"
        if dry_run
        else f"each counts twice now: {undo} takes back this load, and then the one before"
    )
    return [
        f"{file}: {number:,} of these {accepted:,} references {'are' if number > 1 else 'is'} already loaded from the "
        f"source {source}. If they are the same events, {twice}"
        for source, number in references.items()
    ]


def build_replacement_rows(
    replacements: Replacements, viewer: Viewer, *, area: Area, time_zone: tzinfo
) -> list[dict[str, str]]:
    """Two rows a sample, the stored event and the new row: identifier, event ("stored", "new"), day, quantity, place.

    The place is the ward and the point. Who may not see records sees nothing of the stored event. Free text is never
    shown.
    """
    labels = build_ward_labels(area.wards)
    rows: list[dict[str, str]] = []
    for sample in replacements.samples:
        may_see = may(viewer, Action.SEE_RECORDS, sample.before["layer"])
        stored = _describe_event(sample.before, labels, time_zone) if may_see else _HIDDEN
        rows += [
            {"identifier": sample.source_id, "event": "stored", **stored},
            {"identifier": sample.source_id, "event": "new", **_describe_event(sample.after, labels, time_zone)},
        ]
    return rows


def _describe_event(facts: Mapping[str, Any], labels: Mapping[str, str], time_zone: tzinfo) -> dict[str, str]:
    """As in day "5 Jan 2025", quantity "1", place "Central (54.5710, -1.2300)"."""
    day = from_seconds(facts["occurred_from"]).astimezone(time_zone).date()
    when = f"{MONTH_NAMES[day.month - 1]} {day.year}" if facts["time_precision"] == "month" else format_date(day)
    ward = labels.get(facts["ward_code"], "another area")
    place = f"{ward} ({facts['lat']:.4f}, {facts['lon']:.4f})"
    return {"day": when, "quantity": format_number(facts["quantity"]), "place": place}

"""What people answered to alerts: seen, confirmed or not, each with a note, for everybody who sees the layer.

An answer is added and never changed: the last one counts, and all stay. It names a layer, a ward and days, and no cell.
An alert that grows, or that later records move a little, keeps its answers: they belong to the alert of the same layer
and ward with which they share a day, or else of a ward that touches it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from geo.errors import UsageError
from geo.wards import Wards
from hexbeat.analysis.alert_report import Alert
from hexbeat.analysis.daily_counts import from_ordinal, to_ordinal
from hexbeat.store.audit_trail import write_with_change
from hexbeat.store.databases import read_transaction, work_transaction
from hexbeat.store.schema import alert_answers as table
from layers.access import Action, Viewer, list_layers, require
from layers.timestamps import to_seconds
from layers.wording import format_date

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = [
    "MOST_LETTERS",
    "OUTCOMES",
    "AlertAnswer",
    "answer_alert",
    "describe_answers",
    "find_answers",
    "read_answers",
]

OUTCOMES: Final = ("seen", "confirmed", "not confirmed")
MOST_LETTERS: Final = 500  # of a note


@dataclass(frozen=True, slots=True)
class AlertAnswer:
    """What somebody said of an alert of a layer in a ward (None: the whole area) of these days, both included.

    `outcome` is one of OUTCOMES. `recorded_by` is the role, with the name where somebody gave one; `recorded_at` is in
    UTC.
    """

    alert: str
    layer: str
    ward_code: str | None
    first_day: dt.date
    last_day: dt.date
    outcome: str
    note: str
    recorded_by: str
    recorded_at: dt.datetime


def answer_alert(
    store: "Store", viewer: Viewer, alert: Alert, *, outcome: str, note: str = "", now: dt.datetime | None = None
) -> None:
    """Record what the viewer says of an alert.

    PolicyError where the viewer may not answer alerts of its layer; UsageError for another outcome, a note of more than
    MOST_LETTERS letters, and an alert that has no identifier.
    """
    require(viewer, Action.ANSWER_ALERTS, alert.layer)
    text = " ".join(note.split())
    if outcome not in OUTCOMES or not alert.identifier:
        raise UsageError(
            "An alert of the scan is answered by seen, confirmed or not confirmed",
            f"it was answered by {outcome!r}" if outcome not in OUTCOMES else "this alert is of another method",
            "choose one of them",
        )
    if len(text) > MOST_LETTERS or not text.isprintable():
        is_long = len(text) > MOST_LETTERS
        raise UsageError(
            f"A note has at most {MOST_LETTERS} letters, and no control characters",
            f"this one has {len(text):,} letters" if is_long else "this one has a control character",
            "say it in fewer words, and without names of people"
            if is_long
            else "write it with letters and signs alone",
        )
    row = {
        "alert": alert.identifier,
        "layer": alert.layer,
        "ward_code": alert.ward_code or "",
        "first_day": to_ordinal(alert.first_day),
        "last_day": to_ordinal(alert.last_day),
        "outcome": outcome,
        "note": text,
        "recorded_at": to_seconds(now),
        "recorded_by": f"{viewer.role}: {viewer.subject}" if viewer.subject else str(viewer.role),
    }
    with work_transaction(store.engine) as connection:
        connection.execute(sa.insert(table).values(**row))
        write_with_change(connection, rows=1)


def read_answers(store: "Store", viewer: Viewer) -> list[AlertAnswer]:
    """All answers to alerts of the layers that the viewer sees, the oldest first."""
    require(viewer, Action.SEE_COUNTS)
    query = sa.select(table).where(table.c.layer.in_(list_layers(viewer))).order_by(table.c.answer_id)
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [
        AlertAnswer(
            row["alert"],
            row["layer"],
            row["ward_code"] or None,
            from_ordinal(int(row["first_day"])),
            from_ordinal(int(row["last_day"])),
            row["outcome"],
            row["note"],
            row["recorded_by"],
            dt.datetime.fromtimestamp(int(row["recorded_at"]), dt.UTC),
        )
        for row in rows
    ]


def find_answers(
    alerts: Sequence[Alert], answers: Iterable[AlertAnswer], wards: Wards | None = None
) -> list[tuple[AlertAnswer, ...]]:
    """For each of the alerts that are shown together, the answers that belong to it, the oldest first.

    A role with larger cells may see the same outbreak under a ward that touches this one. So an answer whose ward none
    of the alerts has belongs to those of touching wards; without `wards` to none.
    """
    answers_by_alert: list[list[AlertAnswer]] = [[] for _ in alerts]
    for answer in answers:
        same = [place for place, alert in enumerate(alerts) if _answers_alert(answer, alert)]
        near = [place for place, alert in enumerate(alerts) if wards and _is_near(answer, alert, wards)]
        for place in same or near:
            answers_by_alert[place].append(answer)
    return [tuple(own) for own in answers_by_alert]


def _answers_alert(answer: AlertAnswer, alert: Alert) -> bool:
    if answer.alert == alert.identifier:
        return True
    return answer.ward_code == alert.ward_code and _shares_days(answer, alert)


def _is_near(answer: AlertAnswer, alert: Alert, wards: Wards) -> bool:
    if answer.ward_code is None or alert.ward_code is None or not _shares_days(answer, alert):
        return False
    return wards.touch(answer.ward_code, alert.ward_code)


def _shares_days(answer: AlertAnswer, alert: Alert) -> bool:
    """Whether they are of one layer, and have a day in common."""
    has_day = answer.first_day <= alert.last_day and alert.first_day <= answer.last_day
    return answer.layer == alert.layer and has_day


def describe_answers(answers: Sequence[AlertAnswer]) -> str:
    """The last answer, as in "Confirmed on 12 Nov 2026 (health): told to the panel."; "" without."""
    if not answers:
        return ""
    last = answers[-1]
    note = f": {last.note.rstrip('.')}" if last.note else ""
    return f"{last.outcome.capitalize()} on {format_date(last.recorded_at.date())} ({last.recorded_by}){note}."

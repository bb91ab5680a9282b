"""The card of the next stop, whose taps the phone keeps until they have arrived: an hour in a basement loses none.

The browser keeps a queue (style/recorder.js) and sends it, again if need be, until this side confirms each entry. An
entry counts once however often it comes, because a visit has a natural key and an entry the second of its tap: what
was recorded, corrected or undone since then stands.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.components.v2 import component

from geo.errors import DataError, HexbeatError, UsageError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.map.hex_layer import list_corners
from hexbeat.dashboard.pages.record.record_view import TourProgress, build_progress
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.ledger.ledger import read_visit_history, read_visits, record_visit
from hexbeat.operations.ledger.visits import (
    DONE,
    MOST_MINUTES,
    MOST_NEEDLES,
    OUTCOMES,
    UNDER_WAY_MARGIN,
    build_stop_visit,
    estimate_start,
    find_named_stop,
    visit_id,
)
from hexbeat.operations.plans.plan import Plan, PlanKind, Stop, Tour
from hexbeat.operations.plans.plan_access import load_visible_plan
from hexbeat.operations.plans.stop_links import StopLinks, build_geo_link, build_web_link
from hexbeat.store.document_kinds import DocumentKind
from hexbeat.store.shared_documents import SharedDocuments
from layers.access import Action
from layers.timestamps import to_seconds
from layers.wording import format_date, format_plural, format_sentence

__all__ = [
    "MESSAGE_KEY",
    "Entry",
    "draw_recorder",
    "find_mark",
    "parse_entries",
    "record_entries",
    "record_entry",
    "select_own",
]

MESSAGE_KEY: Final = "done_said"  # of the session: what the last entries did, a text or an error
_ACKS_KEY: Final = "done_acks"  # of the session: the keys of entries that are dealt with
_MOST_ACKS: Final = 300
_MOST_ENTRIES: Final = 300
_LONGEST_TEXT: Final = 80
_SEED: Final = "seed"  # a secret of the store: the marks come from it
_FORMER_SEED: Final = "phone/seed"  # where an older Hexbeat kept it, among the saved views
# Two parts that are drawn again, and between them, below the button, the message: its element stays (a live region).
_HTML: Final = (
    '<div class="hb-recorder"><div class="part"></div><div class="notice" role="status"></div>'
    '<div class="part"></div></div>'
)
_ASSETS: Final = Path(__file__).parents[2] / "style"


@dataclass(frozen=True, slots=True)
class Entry:
    """One tap as the browser sent it: which stop of which plan, what was done, and the second of the tap (UTC).

    `by` is the mark of the person who was signed in (`find_mark`).
    """

    key: str
    plan_id: str
    team: str
    stop_id: str
    outcome: str
    minutes: int
    needles: int | None
    at: int
    by: str = ""


def find_mark(documents: SharedDocuments) -> str:
    """What the phone keeps with a person's entries, to keep them separate from another's: 16 hex digits, and no name.

    A digest of the name and of a secret of the store, so that whoever finds the phone cannot try names.
    """
    secret = documents.read(DocumentKind.PHONE, _SEED)
    if secret is None:
        _make_seed(documents)
        secret = documents.read(DocumentKind.PHONE, _SEED)
    key = secret.content if secret else b""
    return hmac.new(key, documents.viewer.subject.encode(), hashlib.sha256).hexdigest()[:16]


def _make_seed(documents: SharedDocuments) -> None:
    """Take over the secret of an older Hexbeat, so that phones keep their marks, or make one."""
    former = documents.read(DocumentKind.VIEW, _FORMER_SEED)
    content = former.content if former else secrets.token_hex(16).encode()
    documents.add_all(DocumentKind.PHONE, {_SEED: content})
    if former:
        documents.remove(DocumentKind.VIEW, _FORMER_SEED)


def select_own(entries: Sequence[Entry], mark: str) -> list[Entry]:
    """The entries with this person's mark. Others stay on the phone, also where a page of before sends them."""
    return [entry for entry in entries if entry.by == mark]


def draw_recorder(installation: Installation, progress: TourProgress, links: StopLinks, *, key: str) -> None:
    """Draw the card with its buttons. What they record is in the store before the rest of the page is drawn."""

    def take_entries() -> None:
        record_entries(installation, select_own(parse_entries(st.session_state[key].get("entries")), mark))

    mark = find_mark(installation.documents)
    data = {
        "mark": mark,
        "plan": progress.plan.plan_id,
        "team": progress.tour.team,
        "sweep": progress.is_sweep,
        "now": to_seconds(None),
        "opens": to_seconds(progress.plan.begins - UNDER_WAY_MARGIN),
        "early": _describe_early(progress.plan, installation.area.tz),
        "acks": st.session_state.get(_ACKS_KEY, []),
        "message": _take_message(),
        "stops": [_build_stop(progress, place, links) for place in range(len(progress.states))],
    }
    _declare_recorder()(key=key, data=data, on_entries_change=take_entries)


def _take_message() -> dict[str, Any] | None:
    """What the last tap did, once: its lines, whether it was refused, and a mark that makes a repeat count as new."""
    message: str | HexbeatError | None = st.session_state.pop(MESSAGE_KEY, None)
    if not message:
        return None
    if isinstance(message, HexbeatError):
        lines = [message.rule, format_sentence(message.fact), format_sentence(message.hint)]
    else:
        lines = [message]
    return {"id": secrets.token_hex(4), "refused": isinstance(message, HexbeatError), "lines": lines}


def _build_stop(progress: TourProgress, place: int, links: StopLinks) -> dict[str, Any]:
    """One stop with its record, as the browser draws it. All of it is shown as text."""
    state = progress.states[place]
    stop = state.stop
    geo, web = build_geo_link(stop, links), build_web_link(stop, links)
    return {
        "id": stop.stop_id,
        "order": stop.order,
        "place": stop.place,
        "planned": f"{stop.arrive:%H:%M} to {stop.leave:%H:%M}, {stop.minutes} minutes",
        "ward": "" if stop.ward_name in stop.place else stop.ward_name,
        "reports": stop.open_reports,
        "reason": stop.reason,
        "lat": stop.lat,
        "lon": stop.lon,
        "corners": list_corners(stop.cell),
        "minutes": stop.minutes,
        "spent": state.minutes if state.done else None,
        "needles": state.needles,
        "state": None if state.visit_id is None else "done" if state.done else "not_done",
        "links": [
            *([("Open in the phone's map", geo)] if geo else []),
            *([(f"Open at {web[0]}", web[1])] if web else []),
        ],
    }


def parse_entries(sent: Any) -> list[Entry]:
    """The entries that the browser sent; what has another form is left out, because a browser is not trusted."""
    entries = []
    for row in sent[:_MOST_ENTRIES] if isinstance(sent, list) else ():
        try:
            needles = row["needles"]
            texts = [row[name] for name in ("key", "plan", "team", "stop", "outcome", "by")]
            numbers = [row["minutes"], row["at"], 0 if needles is None else needles]
        except (KeyError, TypeError):
            continue
        is_text = all(_is_text(text) for text in texts)
        if is_text and all(type(number) is int for number in numbers) and _is_possible(texts[4], numbers):
            key, plan_id, team, stop_id, outcome, by = texts
            entries.append(Entry(key, plan_id, team, stop_id, outcome, numbers[0], needles, numbers[1], by))
    return entries


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isprintable()


def _is_possible(outcome: str, numbers: Sequence[int]) -> bool:
    minutes, at, needles = numbers
    return outcome in OUTCOMES and 0 <= minutes <= MOST_MINUTES and 0 <= needles <= MOST_NEEDLES and at > 0


def record_entries(installation: Installation, entries: Sequence[Entry]) -> None:
    """Record entries in their order, the last one of each stop, confirm them, and keep what to say.

    An entry that can never be recorded is confirmed too, and the page says why. One that the store or the policy
    refuses now is not, so that the phone keeps it.
    """
    acks: list[str] = list(st.session_state.get(_ACKS_KEY, []))
    by_stop: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.key not in acks:
            stop = (entry.plan_id, entry.team, entry.stop_id)
            by_stop[stop] = [*by_stop.pop(stop, []), entry]  # in the order of the last entries
    for stop_entries in by_stop.values():
        entry = stop_entries[-1]
        try:
            st.session_state[MESSAGE_KEY] = record_entry(installation, entry)
        except (DataError, UsageError) as error:
            st.session_state[MESSAGE_KEY] = error
        except HexbeatError as error:
            st.session_state[MESSAGE_KEY] = error
            break
        acks += [other.key for other in stop_entries]
    st.session_state[_ACKS_KEY] = acks[-_MOST_ACKS:]


def record_entry(installation: Installation, entry: Entry, *, now: dt.datetime | None = None) -> str:
    """Record one entry unless the ledger has it or something newer of its stop; what to say about it.

    It counts as recorded at the second of the tap. DataError if the plan has no such team or stop, if it is too early,
    or if a visit of these minutes that ends now would have begun before its plan was made.
    """
    plan = load_visible_plan(installation.documents, installation.viewer, entry.plan_id)
    tour, stop = _find_stop(plan, entry)
    tapped = dt.datetime.fromtimestamp(min(entry.at, to_seconds(now)), tz=dt.UTC)
    duration = entry.minutes if entry.outcome == DONE else 0
    visits = read_visits(installation.store, installation.viewer, plan_id=plan.plan_id)
    progress = build_progress(plan, tour, visits, zone=installation.area.tz)
    state = next(candidate for candidate in progress.states if candidate.stop.stop_id == stop.stop_id)
    start = state.started if state.done and entry.outcome == DONE else None
    usual_start = estimate_start(plan, stop, minutes=duration, now=tapped)
    visit = build_stop_visit(
        plan,
        tour,
        stop,
        started_at=start or usual_start,
        minutes=duration,
        needles=(entry.needles or 0) if entry.outcome == DONE and plan.kind is PlanKind.SWEEP else None,
        outcome=entry.outcome,
    )
    if visit.started_at > tapped:
        raise _build_early_error(plan, installation.area.tz)
    # Work of long ago is recorded as planned (`estimate_start`), also by a plan that was made since.
    if start is None and usual_start != stop.arrive and usual_start < plan.made_at.replace(microsecond=0):
        raise _build_impossible_error(plan, usual_start, duration, installation.area.tz)
    history = read_visit_history(installation.store, installation.viewer, visit_id(visit))
    if bool(((history["recorded_at"] >= tapped) | (history["superseded_at"] > tapped)).any()):
        return f"Stop {stop.order}: what was recorded since then stands."
    with audit_change(installation, action=Action.RECORD_WORK, what="done/visit") as deed:
        record_visit(installation.store, installation.viewer, visit, now=tapped)
        deed.rows = 1
    if entry.outcome != DONE:
        return f"Recorded: stop {stop.order}, not done."
    began = visit.started_at.astimezone(installation.area.tz)
    return f"Recorded: stop {stop.order}, {format_plural(duration, 'minute', 'minutes')} from {began:%H:%M}."


def _describe_early(plan: Plan, zone: ZoneInfo) -> str:
    """What stands above the button until the plan may be recorded."""
    return format_sentence(_build_early_error(plan, zone).hint)


def _build_early_error(plan: Plan, zone: ZoneInfo) -> DataError:
    begins, first = (time.astimezone(zone) for time in (plan.begins, plan.begins - UNDER_WAY_MARGIN))
    return DataError(
        "A stop is recorded from three hours before its plan begins",
        f"this plan begins at {begins:%H:%M} on {format_date(begins.date())}",
        f"record it from {first:%H:%M} on {format_date(first.date())}",
    )


def _build_impossible_error(plan: Plan, start: dt.datetime, minutes: int, zone: ZoneInfo) -> DataError:
    made_at, began_at = plan.made_at.astimezone(zone), start.astimezone(zone)
    return DataError(
        "A visit begins after its plan was made",
        f"this plan was made at {made_at:%H:%M} on {format_date(made_at.date())}, and a visit of "
        f"{format_plural(minutes, 'minute', 'minutes')} that ends now began at {began_at:%H:%M}",
        "record it when the visit is over, or correct its minutes",
    )


def _find_stop(plan: Plan, entry: Entry) -> tuple[Tour, Stop]:
    pair = find_named_stop(plan, entry.stop_id)
    if pair is None or pair[0].team != entry.team:
        raise DataError(
            "A visit that the phone kept is of a stop of its plan",
            f"plan {plan.plan_id} has no such stop of {entry.team}",
            "record it again at the stop that you mean",
        )
    return pair


@cache
def _declare_recorder() -> Any:
    js, css = ((_ASSETS / f"recorder.{ending}").read_text(encoding="utf-8") for ending in ("js", "css"))
    return component("hexbeat_recorder", html=_HTML, js=js, css=css)

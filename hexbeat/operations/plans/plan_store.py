"""Keeps plans in the store, each under its short code, for all who use the store."""

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from geo.errors import DataError, UsageError
from hexbeat.areas.place_finder import FOUND_COLUMNS
from hexbeat.operations.plans.plan import (
    PastRow,
    Pause,
    Place,
    Plan,
    PlanKind,
    PlanPast,
    PlanScope,
    PlanWorth,
    Stop,
    Tour,
)
from hexbeat.store.shared_documents import DocumentKind, SharedDocument, SharedDocuments

__all__ = [
    "issue_plan",
    "list_plans",
    "list_series",
    "list_stops",
    "load_newest_plan",
    "load_plan",
    "plan_from_json",
    "plan_to_json",
    "read_issued",
    "read_plans",
    "remove_plan",
    "save_plan",
    "withdraw_plan",
]

_ID: Final = re.compile(r"[a-z0-9]{4,16}")
FORMAT: Final = "hexbeat-plan/2"
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_PRINTED_FORM: Final = 1  # the flat form that commands print, in which older versions also stored plans


def save_plan(documents: SharedDocuments, plan: Plan, *, time_zone: str = "Europe/London") -> None:
    """Put a plan into the store; saving it again replaces it. `time_zone` is that of its area.

    A plan that was issued stays issued when it is made again: the same choices and records give the same plan.
    """
    _require_code(plan.plan_id)

    def change(before: bytes | None) -> bytes:
        return _encode(plan if plan.issued_at or before is None else _keep_issue(plan, before), time_zone)

    documents.update(DocumentKind.PLAN, plan.plan_id, change)


def _encode(plan: Plan, time_zone: str) -> bytes:
    document = {"format": FORMAT, "time_zone": time_zone, **_to_json(plan)}
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def _keep_issue(plan: Plan, before: bytes) -> Plan:
    """The plan, issued when the stored one was; as it is where that cannot be read."""
    try:
        return dataclasses.replace(plan, issued_at=plan_from_json(json.loads(before)).issued_at)
    except _UNREADABLE:
        return plan


def issue_plan(documents: SharedDocuments, plan_id: str, *, now: dt.datetime | None = None) -> Plan:
    """Mark a plan as issued: from now on it is work to do, and the return counts it. Issuing it again changes nothing.

    `now` is aware. The plan as it is then. UsageError and DataError as for `load_plan`.
    """
    issued_at = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    return _mark(documents, plan_id, lambda plan: plan.issued_at or issued_at)


def withdraw_plan(documents: SharedDocuments, plan_id: str) -> Plan:
    """Take a plan back, so that it is one that was only tried. It does not ask for visits. The plan as it is then."""
    return _mark(documents, plan_id, lambda _: None)


def _mark(documents: SharedDocuments, plan_id: str, choose: Callable[[Plan], dt.datetime | None]) -> Plan:
    plan = load_plan(documents, plan_id)

    def change(before: bytes | None) -> bytes:
        nonlocal plan
        if before is None:
            raise _build_missing(documents, plan_id)
        document = json.loads(before)
        plan = plan_from_json(document)
        issued_at = choose(plan)
        if issued_at == plan.issued_at:
            return before
        plan = dataclasses.replace(plan, issued_at=issued_at)
        return _encode(plan, document["time_zone"])

    documents.update(DocumentKind.PLAN, plan_id, change)
    return plan


def load_plan(documents: SharedDocuments | None, plan_id: str) -> Plan:
    """The plan of that code; UsageError if there is none, DataError if it cannot be read. None: there is no store."""
    _require_code(plan_id)
    document = documents.read(DocumentKind.PLAN, plan_id) if documents else None
    if document is None:
        raise _build_missing(documents, plan_id)
    return _read(document)


def remove_plan(documents: SharedDocuments, plan_id: str) -> None:
    """Delete the plan of that code, readable or not; UsageError if there is none. It does not ask for visits."""
    _require_code(plan_id)
    if not documents.remove(DocumentKind.PLAN, plan_id):
        raise _build_missing(documents, plan_id)


def _build_missing(documents: SharedDocuments | None, plan_id: str) -> UsageError:
    codes = ", ".join(code for code, _, _ in list_plans(documents)[:5])
    return UsageError(
        "A plan is named by its code",
        f"there is no plan {plan_id!r}",
        f"the newest are {codes}" if codes else "make a plan first",
    )


def list_plans(documents: SharedDocuments | None) -> list[tuple[str, str, dt.datetime]]:
    """Code, title and time of making of each plan, the newest first. Plans that cannot be read are skipped."""
    return [(plan.plan_id, plan.title, plan.made_at) for plan in read_plans(documents)]


def read_plans(documents: SharedDocuments | None) -> list[Plan]:
    """All plans, the newest first; those that cannot be read are skipped. Ask which of them may be seen."""
    return sorted(_read_plans(documents), key=_sort_key, reverse=True)


def list_series(documents: SharedDocuments, plan: Plan) -> list[Plan]:
    """The plans that were made together with this one, by day; the plan alone if it is for one day."""
    if not plan.series:
        return [plan]
    plans = [other for other in _read_plans(documents) if other.series == plan.series]
    return sorted(plans, key=lambda other: (other.begins, other.plan_id)) or [plan]


def read_issued(documents: SharedDocuments | None) -> list[Plan]:
    """The plans that were issued, the newest first."""
    return sorted((plan for plan in _read_plans(documents) if plan.issued_at), key=_sort_key, reverse=True)


def _read_plans(documents: SharedDocuments | None) -> Iterator[Plan]:
    """All plans that can be read."""
    for document in documents.read_all(DocumentKind.PLAN).values() if documents else ():
        with suppress(DataError):
            yield _read(document)


def _sort_key(plan: Plan) -> tuple[dt.datetime, str]:
    return plan.made_at, plan.plan_id


def list_stops(plan: Plan) -> pd.DataFrame:
    """The stops of a plan as places to find: "Stop 3: Linthorpe Road", with the team where there are several."""
    several = len(plan.tours) > 1
    return pd.DataFrame(
        [
            (
                f"Stop {stop.order}: {stop.place}" + (f", team {number}" if several else ""),
                "stop of the plan",
                stop.ward_code,
                stop.ward_name,
                stop.lon,
                stop.lat,
            )
            for number, tour in enumerate(plan.tours, start=1)
            for stop in tour.stops
        ],
        columns=list(FOUND_COLUMNS),
    )


def load_newest_plan(documents: SharedDocuments | None, area: str) -> Plan | None:
    """The plan that was made last, None if there is none or it is for another area. Ask whether it may be seen."""
    plan = next(iter(read_plans(documents)), None)
    return plan if plan and plan.area == area else None


def plan_to_json(plan: Plan, *, time_zone: str = "Europe/London") -> dict[str, Any]:
    """The plan as commands print it: every field by its own name, times in ISO 8601 with their offset."""
    fields, rows = _to_json(plan), plan.past.rows
    scope, worth = fields["scope"], fields["worth"]
    head_fields = ("plan_id", "kind", "area", "title", "made_at", "begins", "ends")
    return {
        "form": _PRINTED_FORM,
        "time_zone": time_zone,
        **{name: fields[name] for name in head_fields},
        "layers": scope["layers"],
        "weights": scope["weights"],
        "tours": fields["tours"],
        **{name: worth[name] for name in ("covered", "expected", "score", "bound", "gap")},
        "synthetic": plan.synthetic,
        "past": [[row.label, row.pai, row.low, row.high] for row in rows],
        "settings": fields["settings"],
        "notes": fields["notes"],
        "held": fields["past"]["held"],
        "held_weeks": plan.past.held_weeks,
        "proved": plan.worth.proved,
        "past_shares": [[row.share, row.area] for row in rows if row.share is not None],
        "wards": scope["wards"],
        **({"series": plan.series} if plan.series else {}),
        **({"most_stops": plan.most_stops} if plan.most_stops else {}),
        **({"issued_at": fields["issued_at"]} if plan.issued_at else {}),
        **({"by_month": True} if plan.by_month else {}),
        **({"opening": fields["opening"]} if plan.opening else {}),
        **({"ranks_only": True} if plan.ranks_only else {}),
        **({"searches": fields["searches"]} if plan.searches else {}),
        **({"held_until": fields["past"]["until"]} if plan.past.until else {}),
        **({"past_whole": plan.past.whole} if plan.past.whole != PlanPast().whole else {}),
    }


def plan_from_json(stored: dict[str, Any]) -> Plan:
    """The plan of a stored or printed document.

    KeyError, TypeError, ValueError, AttributeError or OverflowError (of a time) if it is not one.
    """
    document = stored if "format" in stored else _upgrade(stored)
    if document["format"] != FORMAT:
        raise ValueError(document["format"])
    zone = ZoneInfo(document["time_zone"])
    scope, past = document["scope"], document["past"]
    return Plan(
        **{name: document[name] for name in ("plan_id", "area", "title", "synthetic")},
        kind=PlanKind(document["kind"]),
        made_at=_parse_time(document["made_at"], zone),
        begins=_parse_time(document["begins"], zone),
        ends=_parse_time(document["ends"], zone),
        scope=PlanScope(tuple(scope["layers"]), tuple(scope["weights"]), _tuple_or_none(scope["wards"])),
        tours=tuple(_parse_tour(tour, zone) for tour in document["tours"]),
        worth=PlanWorth(**document["worth"]),
        past=PlanPast(
            tuple(PastRow(**row) for row in past["rows"]),
            _tuple_or_none(past["held"]),
            past["held_weeks"],
            past.get("whole", "the area"),
            tuple(dt.date.fromisoformat(day) for day in past.get("until", ())),
        ),
        settings=tuple(document["settings"]),
        notes=tuple(document["notes"]),
        by_month=document.get("by_month", False),
        opening=tuple(document.get("opening", ())),
        ranks_only=document.get("ranks_only", False),
        searches=tuple(document.get("searches", ())),
        series=document.get("series", ""),
        most_stops=document.get("most_stops"),
        issued_at=_parse_time(document["issued_at"], zone) if document.get("issued_at") else None,
    )


def _upgrade(stored: dict[str, Any]) -> dict[str, Any]:
    """A plan of form 1 in today's form. What the oldest plans did not store gets its default."""
    if stored["form"] != _PRINTED_FORM:
        raise ValueError(stored["form"])
    shares = stored.get("past_shares") or [(None, None)] * len(stored["past"])
    names = ("label", "pai", "low", "high", "share", "area")
    rows = [dict(zip(names, (*row, *share), strict=True)) for row, share in zip(stored["past"], shares, strict=True)]
    return {
        **stored,
        "format": FORMAT,
        "scope": {"layers": stored["layers"], "weights": stored["weights"], "wards": stored.get("wards")},
        "worth": {name: stored[name] for name in ("covered", "expected", "score", "bound", "gap")}
        | {"proved": stored.get("proved", False)},
        "past": {"rows": rows, "held": stored.get("held"), "held_weeks": stored.get("held_weeks", 0)}
        | {"until": stored.get("held_until", ()), "whole": stored.get("past_whole", PlanPast().whole)},
    }


def _tuple_or_none(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _parse_tour(stored: dict[str, Any], zone: ZoneInfo) -> Tour:
    stops = tuple(
        Stop(**stop | {name: _parse_time(stop[name], zone) for name in ("arrive", "leave")}) for stop in stored["stops"]
    )
    ends = {name: Place(**stored[name]) for name in ("start", "finish")}
    times = {name: _parse_time(stored[name], zone) for name in ("leaves", "returns")}
    pauses = tuple(
        Pause(**pause | {name: _parse_time(pause[name], zone) for name in ("begins", "ends")})
        for pause in stored.get("pauses", ())  # plans from before 23 Nov 2026 have none
    )
    return Tour(**stored | ends | times | {"stops": stops, "pauses": pauses})


def _to_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dt.date):  # or a time, which is one too
        return value.isoformat()
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    return value


def _parse_time(text: str, zone: ZoneInfo) -> dt.datetime:
    """The time in its zone, converted through UTC so that the right one of a repeated hour is meant."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).astimezone(zone)


def _require_code(plan_id: str) -> None:
    if not _ID.fullmatch(plan_id):
        raise UsageError(
            "A plan's code has 4 to 16 small letters and digits",
            f"you gave {plan_id[:20]!r}",
            "copy it from the plan",
        )


def _read(document: SharedDocument) -> Plan:
    try:
        return plan_from_json(json.loads(document.content))
    except _UNREADABLE as error:
        raise DataError(
            "A plan is one that Hexbeat wrote",
            f"{document.name} cannot be read ({type(error).__name__})",
            "make the plan again",
        ) from error

"""Plans as files of an installation: saved whole, found again by their short code."""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from geo.errors import DataError, UsageError
from hexbeat.files import atomic_write
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

__all__ = ["list_plans", "load_plan", "plan_from_json", "plan_to_json", "remove_plan", "save_plan"]

_FOLDER: Final = "plans"
_ID: Final = re.compile(r"[a-z0-9]{4,16}")
FORMAT: Final = "hexbeat-plan/2"
_FORM: Final = 1  # of plans whose fields stood side by side: as commands print them, and as they were stored before


def save_plan(home: Path, plan: Plan, *, time_zone: str = "Europe/London") -> Path:
    """Write a plan to `home/plans`; the same plan again takes its own place. `time_zone` is that of its area."""
    path = _path(home, plan.plan_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        whole = {"format": FORMAT, "time_zone": time_zone, **_to_json(plan)}
        draft.write_text(json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return path


def load_plan(home: Path, plan_id: str) -> Plan:
    """The plan of that code; UsageError if there is none, DataError if its file cannot be read."""
    return _read(_find_file(home, plan_id))


def remove_plan(home: Path, plan_id: str) -> None:
    """Delete the plan of that code, readable or not; UsageError if there is none. It does not ask for visits."""
    _find_file(home, plan_id).unlink()


def _find_file(home: Path, plan_id: str) -> Path:
    path = _path(home, plan_id)
    if not path.is_file():
        known = ", ".join(one for one, _, _ in list_plans(home)[:5])
        raise UsageError(
            "A plan is named by its code",
            f"there is no plan {plan_id!r}",
            f"the newest are {known}" if known else "make one with `hexbeat plan patrol`",
        )
    return path


def list_plans(home: Path) -> list[tuple[str, str, dt.datetime]]:
    """Code, title and the moment each plan was made, the newest first. Files that cannot be read are passed over."""
    found = []
    for path in (home / _FOLDER).glob("*.json"):
        try:
            plan = _read(path)
        except DataError:
            continue
        found.append((plan.plan_id, plan.title, plan.made_at))
    return sorted(found, key=lambda one: (one[2], one[0]), reverse=True)


def plan_to_json(plan: Plan, *, time_zone: str = "Europe/London") -> dict[str, Any]:
    """The plan as commands print it: every field by its own name, times in ISO 8601 with their offset."""
    whole, rows = _to_json(plan), plan.past.rows
    scope, worth = whole["scope"], whole["worth"]
    first = ("plan_id", "kind", "area", "title", "made_at", "begins", "ends")
    return {
        "form": _FORM,
        "time_zone": time_zone,
        **{name: whole[name] for name in first},
        "layers": scope["layers"],
        "weights": scope["weights"],
        "tours": whole["tours"],
        **{name: worth[name] for name in ("covered", "expected", "score", "bound", "gap")},
        "synthetic": plan.synthetic,
        "past": [[row.label, row.pai, row.low, row.high] for row in rows],
        "settings": whole["settings"],
        "notes": whole["notes"],
        "held": whole["past"]["held"],
        "held_weeks": plan.past.held_weeks,
        "proved": plan.worth.proved,
        "past_shares": [[row.share, row.area] for row in rows if row.share is not None],
        "wards": scope["wards"],
    }


def plan_from_json(held: dict[str, Any]) -> Plan:
    """The plan again, of a stored or a printed one; KeyError, TypeError or ValueError if it is none."""
    whole = held if "format" in held else _upgrade(held)
    if whole["format"] != FORMAT:
        raise ValueError(whole["format"])
    zone = ZoneInfo(whole["time_zone"])
    scope, past = whole["scope"], whole["past"]
    return Plan(
        **{name: whole[name] for name in ("plan_id", "area", "title", "synthetic")},
        kind=PlanKind(whole["kind"]),
        made_at=_moment(whole["made_at"], zone),
        begins=_moment(whole["begins"], zone),
        ends=_moment(whole["ends"], zone),
        scope=PlanScope(tuple(scope["layers"]), tuple(scope["weights"]), _tuple_or_none(scope["wards"])),
        tours=tuple(_tour(tour, zone) for tour in whole["tours"]),
        worth=PlanWorth(**whole["worth"]),
        past=PlanPast(tuple(PastRow(**row) for row in past["rows"]), _tuple_or_none(past["held"]), past["held_weeks"]),
        settings=tuple(whole["settings"]),
        notes=tuple(whole["notes"]),
    )


def _upgrade(held: dict[str, Any]) -> dict[str, Any]:
    """A plan of form 1 in the form of today. What the oldest of them did not say has its default."""
    if held["form"] != _FORM:
        raise ValueError(held["form"])
    shares = held.get("past_shares") or [(None, None)] * len(held["past"])
    names = ("label", "pai", "low", "high", "share", "area")
    rows = [dict(zip(names, (*row, *share), strict=True)) for row, share in zip(held["past"], shares, strict=True)]
    return {
        **held,
        "format": FORMAT,
        "scope": {"layers": held["layers"], "weights": held["weights"], "wards": held.get("wards")},
        "worth": {name: held[name] for name in ("covered", "expected", "score", "bound", "gap")}
        | {"proved": held.get("proved", False)},
        "past": {"rows": rows, "held": held.get("held"), "held_weeks": held.get("held_weeks", 0)},
    }


def _tuple_or_none(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _tour(held: dict[str, Any], zone: ZoneInfo) -> Tour:
    stops = tuple(
        Stop(**one | {name: _moment(one[name], zone) for name in ("arrive", "leave")}) for one in held["stops"]
    )
    ends = {name: Place(**held[name]) for name in ("start", "finish")}
    times = {name: _moment(held[name], zone) for name in ("leaves", "returns")}
    pauses = tuple(
        Pause(**one | {name: _moment(one[name], zone) for name in ("begins", "ends")})
        for one in held.get("pauses", ())  # plans of before 23 Nov 2026 did not say
    )
    return Tour(**held | ends | times | {"stops": stops, "pauses": pauses})


def _to_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {one.name: _to_json(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_to_json(part) for part in value]
    return value


def _moment(text: str, zone: ZoneInfo) -> dt.datetime:
    """The moment in its zone: through UTC, so that of an hour that is there twice the right one is meant."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).astimezone(zone)


def _path(home: Path, plan_id: str) -> Path:
    if not _ID.fullmatch(plan_id):
        raise UsageError(
            "A plan's code has 4 to 16 small letters and digits",
            f"you gave {plan_id[:20]!r}",
            "see `hexbeat plan list`",
        )
    return home / _FOLDER / f"{plan_id}.json"


def _read(path: Path) -> Plan:
    try:
        return plan_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "A plan's file is one that Hexbeat wrote",
            f"{path.name} cannot be read ({type(error).__name__})",
            "make the plan again",
        ) from error

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
from hexbeat.operations.plans.plan import Pause, Place, Plan, PlanKind, Stop, Tour

__all__ = ["list_plans", "load_plan", "plan_from_json", "plan_to_json", "remove_plan", "save_plan"]

_FOLDER: Final = "plans"
_ID: Final = re.compile(r"[a-z0-9]{4,16}")
_FORM: Final = 1
_NEW: Final = frozenset({"held", "held_weeks", "proved", "past_shares", "wards"})  # of plans made since 23 Nov 2026


def save_plan(home: Path, plan: Plan, *, time_zone: str = "Europe/London") -> Path:
    """Write a plan to `home/plans`; the same plan again takes its own place. `time_zone` is that of its area."""
    path = _path(home, plan.plan_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        draft.write_text(
            json.dumps(plan_to_json(plan, time_zone=time_zone), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        )
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
    """The plan as JSON holds it: the fields of hexbeat.operations.plans.plan, times in ISO 8601 with their offset."""
    fields = {one.name: _to_json(getattr(plan, one.name)) for one in dataclasses.fields(Plan)}
    return {"form": _FORM, "time_zone": time_zone, **fields}


def plan_from_json(held: dict[str, Any]) -> Plan:
    """The plan again; KeyError, TypeError or ValueError if it is none."""
    zone = ZoneInfo(held["time_zone"])
    if held["form"] != _FORM:
        raise ValueError(held["form"])
    # What plans of before did not say has its default.
    fields = {one.name: held[one.name] for one in dataclasses.fields(Plan) if one.name in held or one.name not in _NEW}
    tours = tuple(_tour(tour, zone) for tour in fields["tours"])
    lists = ("layers", "weights", "settings", "notes")
    return Plan(
        **fields
        | {name: tuple(fields[name]) for name in lists}
        | {name: _moment(fields[name], zone) for name in ("made_at", "begins", "ends")}
        | {"kind": PlanKind(fields["kind"]), "tours": tours, "past": tuple(tuple(row) for row in fields["past"])}
        | ({"held": tuple(fields["held"])} if fields.get("held") else {})
        | ({"wards": tuple(fields["wards"])} if fields.get("wards") is not None else {})
        | {"past_shares": tuple(tuple(row) for row in fields.get("past_shares", ()))}
    )


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

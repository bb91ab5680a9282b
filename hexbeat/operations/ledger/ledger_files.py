"""Import of visits from tracks and waypoints (GPX) and from sheets (CSV, XLSX, ODS): all or nothing, with a dry run."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError, UsageError
from hexbeat.areas.area import Area
from hexbeat.files import hash_file
from hexbeat.operations.ledger.ledger import record_import
from hexbeat.operations.ledger.plan_sheets import FIELDS, VisitSheetRow, read_visit_sheet
from hexbeat.operations.ledger.tracks import LEAST_MINUTES, RADIUS_M, match_track, read_track
from hexbeat.operations.ledger.visit_sheets import SheetChoices, match_rows
from hexbeat.operations.ledger.visits import DONE, Visit, describe_overlap, find_tour
from hexbeat.operations.plans.plan import Plan, PlanKind
from hexbeat.operations.reference_places import read_reference
from hexbeat.operations.spreadsheets import PLACE_FIELDS
from layers.access import Action, Viewer, require
from layers.timestamps import to_seconds

if TYPE_CHECKING:
    from hexbeat.store.store import Store

__all__ = ["ImportOptions", "ImportReport", "import_visits"]

GPX: Final = ".gpx"
SAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a file. `team` and `kind` (patrol or sweep) are for rows that give none; None: not known.

    A track stays at a stop while it is within `radius_m` metres for `least_minutes` at a time. `headings_by_field`
    gives a field another heading. `unread` are headings that look like names of people and are not read.
    """

    team: str | None = None
    kind: str | None = None
    radius_m: float = RADIUS_M
    least_minutes: float = LEAST_MINUTES
    headings_by_field: Mapping[str, str] | None = None
    unread: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import found and did: `new`, `updated` and `unchanged` visits, and rejected rows with their reasons.

    `answered` of `planned` stops were done (of the plan, or of the team of a track). A track went past `passed` stops
    without staying, and never came near `missed` ones. `other` visits answer no stop. `minutes` and `needles` are sums
    over the visits. `samples` are the first rejected rows: (line, reason). `load_id` None: nothing was written.
    """

    file: str
    plan_id: str | None
    visits: int
    new: int
    updated: int
    unchanged: int
    rejected: int
    reasons: Mapping[str, int]
    samples: tuple[tuple[int, str], ...]
    planned: int
    answered: int
    passed: tuple[str, ...]
    missed: tuple[str, ...]
    other: int
    not_done: int
    minutes: int
    needles: int
    notes: tuple[str, ...]
    dry_run: bool
    load_id: int | None

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        samples = [{"line": line, "reason": reason} for line, reason in self.samples]
        return asdict(self) | {"samples": samples}


@dataclass(frozen=True, slots=True)
class _FileFindings:
    """The visits of a file and how they match the plan, the same for tracks and sheets."""

    visits: tuple[Visit, ...]
    rejects: tuple[tuple[int, str], ...] = ()
    planned: int = 0
    passed: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def import_visits(
    store: "Store",
    viewer: Viewer,
    path: Path,
    *,
    area: Area,
    plan: Plan | Callable[[str], Plan] | None = None,
    options: ImportOptions | None = None,
    dry_run: bool = False,
    now: dt.datetime | None = None,
) -> ImportReport:
    """Import a file of work done, in one transaction; the same file again changes nothing.

    A GPX file answers the stops of one team of a plan, and needs both. A row of a sheet answers a stop of the plan, or
    is other work. `plan` may be a function that loads a plan by its code: then a plan's own filled-in file answers its
    plan, and any other file none. DataError if the file, or every row of it, cannot be used; UsageError for invalid
    options. Nothing is changed then.
    """
    require(viewer, Action.RECORD_WORK)
    import_options = options or ImportOptions()
    _require_valid_options(import_options)
    if path.suffix.lower() == GPX:
        plan = None if callable(plan) else plan
        findings = _match_track_file(path, plan, import_options)
    else:
        rows = read_visit_sheet(
            path,
            time_zone=area.time_zone,
            headings_by_field=import_options.headings_by_field,
            unread=import_options.unread,
        )
        plan = _find_own_plan(path.name, rows, plan) if callable(plan) else plan
        findings = _match_sheet_file(
            store, viewer, path.name, rows, area=area, plan=plan, options=import_options, now=to_seconds(now)
        )
    tally, load_id = record_import(
        store,
        viewer,
        findings.visits,
        area=area.name,
        file=path.name,
        sha256=hash_file(path),
        dry_run=dry_run,
        now=now,
    )
    return _build_report(path.name, plan, findings, tally, dry_run=dry_run, load_id=load_id)


def _require_valid_options(options: ImportOptions) -> None:
    unknown = [field for field in options.headings_by_field or {} if field not in {**FIELDS, **PLACE_FIELDS}]
    if unknown:
        raise UsageError(
            "A column is named after a known field",
            f"there is no field {unknown[0]!r}",
            f"choose from {', '.join((*FIELDS, *PLACE_FIELDS))}",
        )
    if options.kind is not None and options.kind not in set(PlanKind):
        raise UsageError("Work is patrol or sweep", f"you gave {options.kind!r}", "choose one of them")
    if not 0 < options.radius_m <= 1000 or not 0 <= options.least_minutes <= 60:  # noqa: PLR2004 - metres and minutes
        raise UsageError(
            "A stay is within at most 1,000 metres of a stop, and lasts at least 0 to 60 minutes",
            f"you gave {options.radius_m:g} metres and {options.least_minutes:g} minutes",
            "100 metres and 5 minutes are usual",
        )


def _match_track_file(path: Path, plan: Plan | None, options: ImportOptions) -> _FileFindings:
    if plan is None:
        raise UsageError("A track answers the stops of a plan", "no plan was named", "name the plan")
    tour = find_tour(plan, options.team)
    findings = match_track(read_track(path), plan, tour, radius_m=options.radius_m, least_minutes=options.least_minutes)
    return _FileFindings(
        findings.visits,
        planned=len(tour.stops),
        passed=findings.passed,
        missed=findings.missed,
        notes=findings.notes,
    )


def _find_own_plan(name: str, rows: Sequence[VisitSheetRow], open_plan: Callable[[str], Plan]) -> Plan | None:
    """The plan whose own file this is; None for any other sheet. DataError if it has rows of several."""
    codes = sorted({row.plan_id for row in rows if row.plan_id})
    if len(codes) > 1:
        raise DataError(
            "A file of work done answers one plan",
            f"{name} has rows of {', '.join(codes)}",
            "make one file for each plan",
        )
    return open_plan(codes[0]) if codes else None


def _match_sheet_file(
    store: "Store",
    viewer: Viewer,
    name: str,
    rows: list[VisitSheetRow],
    *,
    area: Area,
    plan: Plan | None,
    options: ImportOptions,
    now: int,
) -> _FileFindings:
    choices = SheetChoices(
        wards=area.wards,
        plan=plan,
        team=options.team,
        kind=options.kind,
        radius_m=options.radius_m,
        places=_read_named_places(store, viewer),
        now=now,
    )
    findings = match_rows(rows, choices)
    if not findings.visits:
        raise DataError(
            f"{name} has to hold rows of work done",
            f"{'its only row cannot' if len(rows) == 1 else f'none of its {len(rows):,} rows can'} be used "
            f"({_format_reasons(findings.rejects)})",
            "check its columns; nothing was changed",
        )
    planned = sum(len(tour.stops) for tour in plan.tours) if plan else 0
    return _FileFindings(findings.visits, findings.rejects, planned=planned, notes=findings.notes)


def _read_named_places(store: "Store", viewer: Viewer) -> dict[str, tuple[float, float] | None]:
    """Points of reference places by name in small letters; None where several have it."""
    places: dict[str, tuple[float, float] | None] = {}
    for name, lon, lat in read_reference(store, viewer)[["name", "lon", "lat"]].itertuples(index=False):
        key = str(name).casefold()
        places[key] = (float(lon), float(lat)) if places.get(key, (lon, lat)) == (lon, lat) else None
    return places


def _format_reasons(rejects: Sequence[tuple[int, str]]) -> str:
    number_by_reason = Counter(reason for _, reason in rejects)
    return ", ".join(f"{reason} {number:,}" for reason, number in sorted(number_by_reason.items()))


def _build_report(
    file: str,
    plan: Plan | None,
    findings: _FileFindings,
    tally: Mapping[str, int],
    *,
    dry_run: bool,
    load_id: int | None,
) -> ImportReport:
    visits = findings.visits
    stop_ids = {visit.stop_id for visit in visits if visit.stop_id is not None and visit.outcome == DONE}
    return ImportReport(
        file=file,
        plan_id=plan.plan_id if plan else None,
        visits=len(visits),
        rejected=len(findings.rejects),
        reasons=dict(sorted(Counter(reason for _, reason in findings.rejects).items())),
        samples=findings.rejects[:SAMPLES],
        planned=findings.planned,
        answered=len(stop_ids),
        passed=findings.passed,
        missed=findings.missed,
        other=sum(visit.stop_id is None for visit in visits),
        not_done=sum(visit.outcome != DONE for visit in visits),
        minutes=sum(visit.minutes for visit in visits),
        needles=sum(visit.needles or 0 for visit in visits),
        notes=findings.notes + describe_overlap((visit.team, visit.started_at, visit.minutes) for visit in visits),
        dry_run=dry_run,
        load_id=load_id,
        **tally,
    )

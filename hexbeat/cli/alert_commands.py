"""alerts: where more happens than usual, and what became of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import shapely
import typer

from geo.cells import build_outlines
from geo.errors import UsageError
from geo.wards import Wards
from hexbeat.analysis.alert_report import Alert, AlertReport
from hexbeat.analysis.alert_sentences import describe_next_step, describe_state, describe_ward_names
from hexbeat.analysis.alerts import build_alert_report, choose_default_day
from hexbeat.analysis.scan_alerts import DEFAULT_ALERTS_A_YEAR, build_scan_report, find_alert
from hexbeat.analysis.weekly_alerts import FARRINGTON
from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_answer, note_rows
from hexbeat.cli.filter_options import (
    LayersOption,
    build_provenance,
    find_demonstration_mark,
    parse_day,
    read_area_columns,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.cli.output_files import write_file
from hexbeat.documents.alert_form import (
    describe_form_layers,
    render_alert_form,
    render_alert_form_pdf,
    require_form_file,
    takes_alert_form,
)
from hexbeat.files import require_folder
from hexbeat.operations.alert_answers import (
    AlertAnswer,
    answer_alert,
    describe_answers,
    find_answers,
    read_answers,
)
from layers.access import require_document, require_export
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.periods import get_coverage
from layers.wording import format_date, format_list

__all__ = ["alerts", "answer"]

_DECIMALS: Final = 6  # of degrees


class AlertOutcome(StrEnum):
    """What became of an alert."""

    SEEN = "seen"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"


class AlertMethod(StrEnum):
    """How alerts are found."""

    SCAN = "scan"
    EARS = "ears"
    FARRINGTON = "farrington"


def alerts(
    *,
    day: Annotated[
        str | None, typer.Option(metavar="D", help="The last day to look at; default: the last day on record.")
    ] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="Look back N days.")] = 1,
    layer: LayersOption = None,
    method: Annotated[
        AlertMethod,
        typer.Option(help="scan: clusters of a few cells. A second look by ward: ears (days) or farrington (weeks)."),
    ] = AlertMethod.SCAN,
    a_year: Annotated[
        float, typer.Option("--a-year", metavar="N", help="Alerts that chance alone may raise in a year, all layers.")
    ] = DEFAULT_ALERTS_A_YEAR,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the alerts as a .geojson file, with their cells.")
    ] = None,
    draft: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draft a form on overdoses for the drug information system (.html or .pdf)."),
    ] = None,
    each_event: Annotated[
        bool, typer.Option("--each-event", help="Take every record, also several of one encounter.")
    ] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List places where more happens than usual, and since when.

    It is made for a daily job. It never sends anything. Records that end more than 8 weeks ago give no alert; --day
    looks back at any day.

    Example: hexbeat alerts --days 7 --draft draft.html
    """
    _require_rate(a_year)
    if out:
        _require_geojson(out)
    kind = require_form_file(draft) if draft else ""
    with open_installation(home, area) as installation:
        columns = read_area_columns(installation)
        now = datetime.now(installation.area.tz)
        last = (
            parse_day(day)
            if day
            else choose_default_day(columns, today=now.date(), time_zone=installation.area.time_zone)
        )
        options: dict[str, Any] = {"days": days, "layers": layer or (), "each_event": each_event}
        report = _build_report(
            columns, installation.area, last, options, method, a_year, today=None if day else now.date()
        )
        unknown = describe_unknown_sources(columns, report, installation.area.time_zone)
        report = replace(report, notes=(*report.notes, *unknown, *describe_ward_names(columns, report.alerts)))
        answers = read_answers(installation.store, installation.viewer)
        has_draft = False
        note_rows(len(report.alerts))
        if draft:
            require_document(installation.viewer, "alert_form")
            urgent = list(filter(takes_alert_form, report.alerts))
            has_draft = _write_draft(
                draft, kind, urgent, installation.area, now, demonstration=bool(columns.demonstration.any())
            )
        if out:
            require_export(installation.viewer, "counts", [row.layer for row in report.alerts])
            note_answer()
            _write_geojson(installation, columns, report, out)
    files = {"out": str(out)} if out else {}
    wards = installation.area.wards
    _report_alerts(report, answers, wards, form=form, files=files | ({"draft": str(draft)} if has_draft else {}))


def answer(
    identifier: Annotated[str, typer.Argument(help="The alert, as `hexbeat alerts` names it.")],
    *,
    outcome: Annotated[AlertOutcome, typer.Option(help="What became of it, as far as is known.")] = AlertOutcome.SEEN,
    note: Annotated[str, typer.Option(help="A note for everybody who sees the layer. No names of people.")] = "",
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say of an alert that it was seen, or what became of it, with a note for everybody.

    Answers are added and never changed. `hexbeat alerts --days 366` shows them all.

    Example: hexbeat answer overdoses-20261111-E05009867 --outcome confirmed --note "Told to the panel"
    """
    with open_installation(home, area) as installation:
        columns = read_area_columns(installation)
        today = datetime.now(installation.area.tz).date()
        last = choose_default_day(columns, today=today, time_zone=installation.area.time_zone)
        alert = find_alert(columns, installation.area, last, identifier)
        answer_alert(installation.store, installation.viewer, alert, outcome=outcome.value.replace("-", " "), note=note)
    payload = {"identifier": alert.identifier, "outcome": outcome.value, "note": note}
    print_answer(payload, form=form, rows=[payload], heading="Answered")


def _require_rate(a_year: float) -> None:
    if not 0 < a_year <= 50:  # noqa: PLR2004 - one a week is noise
        raise UsageError(
            "Chance alone may raise more than 0 and at most 50 alerts a year",
            f"--a-year is {a_year:g}",
            f"leave it out for {DEFAULT_ALERTS_A_YEAR:g}",
        )


def _require_geojson(out: Path) -> None:
    require_folder(out)
    if out.suffix.lower() not in {".geojson", ".json"}:
        raise UsageError("Alerts are written as a .geojson file", f"{out.name!r} is none", "give --out such an ending")


def _build_report(
    columns: Columns,
    area: Area,
    day: date,
    options: dict[str, Any],
    method: AlertMethod,
    a_year: float,
    *,
    today: date | None,
) -> AlertReport:
    """The report of one method."""
    if method is AlertMethod.SCAN:
        return build_scan_report(columns, area, day, alerts_a_year=a_year, today=today, **options)
    report = build_alert_report(columns, area, day, today=today, **options)
    is_weekly = method is AlertMethod.FARRINGTON
    return replace(
        report,
        alerts=tuple(alert for alert in report.alerts if (FARRINGTON in alert.methods) == is_weekly),
        settings=tuple(row for row in report.settings if (row.method == FARRINGTON) == is_weekly),
    )


def describe_unknown_sources(columns: Columns, report: AlertReport, time_zone: str) -> list[str]:
    """Of each layer that is not known on the day of the report: up to which day each of its sources has records."""
    spans = get_coverage(columns, time_zone=time_zone).list_spans()
    sentences = []
    for layer in report.unknown:
        ends: dict[str, date] = {}
        for span in spans:
            if span.layer == layer and span.start <= report.day:
                ends[span.source] = max(ends.get(span.source, span.end), span.end)
        sources = [f"{source} to {format_date(end - timedelta(days=1))}" for source, end in sorted(ends.items())]
        known = (
            f"what is known before {format_date(report.day)} is from {format_list(sources)}"
            if sources
            else f"no source covers {format_date(report.day)} or a day before it"
        )
        sentences.append(f"{find_layer(layer).title}: {known}.")
    return sentences


def _write_geojson(installation: Installation, columns: Columns, report: AlertReport, out: Path) -> None:
    """A feature an alert: its cells as one shape, or its ward, or the wards of the area."""
    features = [
        {
            "type": "Feature",
            "id": alert.identifier,
            "properties": _to_json(alert),
            "geometry": json.loads(shapely.to_geojson(_build_shape(alert, installation.area))),
        }
        for alert in report.alerts
    ]
    note = build_provenance(installation, mark=find_demonstration_mark(columns))
    whole = {"type": "FeatureCollection", "day": report.day.isoformat(), **note, "features": features}
    write_file(out, (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode())


def _build_shape(alert: Alert, area: Area) -> shapely.Geometry:
    if alert.cells:
        shapes = build_outlines(parse_cells(list(alert.cells)))
    else:
        is_covered = [alert.ward_code in {None, code} for code in area.wards.codes]
        shapes = area.wards.polygons[is_covered]
    return shapely.set_precision(shapely.union_all(shapes), 10.0**-_DECIMALS)


def _to_json(alert: Alert) -> dict[str, Any]:
    """The fields of an alert, with what to do next; those of the scan are left out of other methods' alerts."""
    fields = {name: to_json_value(value) for name, value in asdict(alert).items()}
    if alert.told_on is None:
        scan_only = ("cells", "told_on", "updated_on", "is_open", "chance_a_year", "category", "identifier", "arrived")
        return {name: value for name, value in fields.items() if name not in scan_only}
    return fields | {"cells": list(alert.cells), "state": describe_state(alert), "next_step": describe_next_step(alert)}


def _write_draft(
    out: Path, kind: str, alerts: list[Alert], area: Area, made_at: datetime, *, demonstration: bool
) -> bool:
    """Write the form about these alerts as a file of that kind. False, after a message, if there are none."""
    if not alerts:
        print_message(f"There is no alert of {describe_form_layers()}, so no form was drafted.")
        return False
    render = render_alert_form_pdf if kind == "pdf" else _render_form_page
    write_file(out, render(alerts, area=area, made_at=made_at, demonstration=demonstration))
    return True


def _render_form_page(alerts: list[Alert], *, area: Area, made_at: datetime, demonstration: bool) -> bytes:
    return render_alert_form(alerts, area=area, made_at=made_at, demonstration=demonstration).encode()


def _report_alerts(
    report: AlertReport, answers: Sequence[AlertAnswer], wards: Wards, *, form: Format, files: dict[str, str]
) -> None:
    answers_by_alert = find_answers(report.alerts, answers, wards)
    rows = [
        _to_json(alert)
        | ({"answers": [_answer_to_json(alert_answer) for alert_answer in its_answers]} if alert.identifier else {})
        for alert, its_answers in zip(report.alerts, answers_by_alert, strict=True)
    ]
    settings = [{name: to_json_value(value) for name, value in asdict(row).items()} for row in report.settings]
    payload = {
        "day": report.day.isoformat(),
        "days": report.days,
        "alerts": rows,
        "settings": settings,
        "notes": list(report.notes),
        "headline": report.headline,
        "not_known": list(report.unknown),
    } | files
    if form is Format.TABLE:
        for note in (report.headline, *report.notes):
            if note:
                print_message(note)
        if "draft" in files:
            print_message(f"A form was drafted, but not sent: {files['draft']}")
    when = f"{'on' if report.days == 1 else f'in the {report.days} days to'} {format_date(report.day)}"
    lines = [
        {"alert": " ".join(filter(None, [row["sentence"], row.get("state", ""), describe_answers(its_answers)]))}
        | ({"identifier": row["identifier"]} if "identifier" in row else {})
        for row, its_answers in zip(rows, answers_by_alert, strict=True)
    ]
    unknown = format_list([find_layer(name).many for name in report.unknown])
    empty = (f"none; of {unknown} not known" if unknown else "none") if report.is_known else "not known"
    print_answer(payload, form=form, rows=lines, heading=f"Alerts {when}", empty=empty)


def _answer_to_json(alert_answer: AlertAnswer) -> dict[str, Any]:
    return {
        "outcome": alert_answer.outcome,
        "note": alert_answer.note,
        "recorded_by": alert_answer.recorded_by,
        "recorded_at": alert_answer.recorded_at.isoformat(),
    }

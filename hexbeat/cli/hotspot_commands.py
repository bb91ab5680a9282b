"""hotspots, change and alerts: what can be said of the counts."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from geo.errors import UsageError
from hexbeat.analysis.alerts import Alert, AlertReport, build_alert_report, choose_default_day
from hexbeat.analysis.count_files import export_counts
from hexbeat.analysis.hotspot_map import HOTSPOT_COLUMNS, HotspotMap, build_hotspot_map
from hexbeat.analysis.study import load_study
from hexbeat.areas.area import Area
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.filter_options import (
    AsAtOption,
    FilterRequest,
    LayersOption,
    OutOption,
    ResolutionOption,
    build_provenance,
    find_demonstration_mark,
    parse_day,
    parse_resolution,
    read_filtered,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.documents.alert_form import (
    describe_form_layers,
    render_alert_form,
    render_alert_form_pdf,
    require_form_file,
    takes_alert_form,
)
from hexbeat.files import atomic_write
from hexbeat.store.live_columns import read_columns
from layers.counting import Counts
from layers.wording import format_percent

__all__ = ["alerts", "hotspots"]


@takes_filter()
def hotspots(
    *,
    request: FilterRequest,
    resolution: ResolutionOption = 9,
    q: Annotated[
        float, typer.Option("--q", help="False discovery rate: of the cells shown, so many may be false.")
    ] = 0.05,
    as_at: AsAtOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Hot and cold cells of one layer, with exact p-values: every cell of the wards, empty ones too.

    Example: hexbeat hotspots --layer needle_litter --from 2026-10-25 --to 2026-11-22
    """
    _require_rate(q)
    with open_installation(home, area) as installation:
        size = parse_resolution(resolution)
        columns, chosen = read_filtered(installation, request, as_at=as_at)
        study = load_study(installation.area, chosen.wards, size)
        found = build_hotspot_map(columns, chosen, study, q=q, time_zone=installation.area.time_zone)
        rows = found.rows[list(HOTSPOT_COLUMNS)]
        if out:
            _write_hotspots(installation, found, rows, Path(out), mark=find_demonstration_mark(columns))
    _report_hotspots(found, rows, form=form, out=out)


def _require_rate(q: float) -> None:
    if not 0 < q < 1:
        raise UsageError("A false discovery rate lies between 0 and 1", f"--q was given {q:g}", "0.05 is usual")


def _write_hotspots(
    installation: Installation, found: HotspotMap, rows: pd.DataFrame, out: Path, *, mark: str | None
) -> None:
    counts = Counts(found.total, found.unplaced_in_time, found.shared_in_time, rows)
    note = build_provenance(installation, mark=mark) | {"layer": found.spec.name, "q": f"{found.q:g}"}
    export_counts(counts, out, by=("cell",), area=installation.area, note=note)


def _report_hotspots(found: HotspotMap, rows: pd.DataFrame, *, form: Format, out: str | None) -> None:
    """All cells as JSON; as a table the hot and cold ones, the surest first."""
    hot, cold = (int((rows["hotspot"] == kind).sum()) for kind in ("hot", "cold"))
    totals: dict[str, Any] = {
        "layer": found.spec.name,
        "total": to_json_value(found.total),
        "unplaced_in_time": found.unplaced_in_time,
        "shared_in_time": found.shared_in_time,
        "q": found.q,
        "unit": to_json_value(found.unit),
        "hot": hot,
        "cold": cold,
        "notes": list(found.notes),
    }
    listed = [{name: to_json_value(value) for name, value in row.items()} for row in rows.to_dict("records")]
    shown = sorted((row for row in listed if row["hotspot"]), key=lambda row: (row["q_value"], -row["gi_z"]))
    heading = f"{found.spec.title}: {hot} hot and {cold} cold of {len(rows):,} cells; "
    heading += f"at most {format_percent(found.q)} of them false on average"
    if form is Format.TABLE:
        for note in found.notes:
            print_message(note)
        shown = [row | {"p_value": f"{row['p_value']:.2g}", "q_value": f"{row['q_value']:.2g}"} for row in shown]
    file = {"out": out} if out else {}
    print_answer(totals | file | {"rows": listed}, form=form, rows=[file] if out else shown, heading=heading)


def alerts(
    *,
    day: Annotated[str | None, typer.Option(metavar="D", help="The day to judge; default: the last known one.")] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="Look back so many days.")] = 1,
    layer: LayersOption = None,
    draft: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draft a form on overdoses for the drug information system (.html or .pdf)."),
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Days with more events than usual, in the area or a ward; for a daily job. Nothing is ever sent.

    Example: hexbeat alerts --days 7 --draft draft.html
    """
    with open_installation(home, area) as installation:
        columns = read_columns(installation.store, installation.viewer, ward_codes=installation.area.wards.codes)
        now = datetime.now(installation.area.tz)
        last = (
            parse_day(day)
            if day
            else choose_default_day(columns, today=now.date(), time_zone=installation.area.time_zone)
        )
        found = build_alert_report(columns, installation.area, last, days=days, layers=layer or ())
        drafted = False
        if draft:
            urgent = list(filter(takes_alert_form, found.alerts))
            drafted = _write_draft(
                draft, urgent, installation.area, now, demonstration=bool(columns.demonstration.any())
            )
    _report_alerts(found, form=form, draft=str(draft) if drafted else None)


def _write_draft(out: Path, found: list[Alert], area: Area, made: datetime, *, demonstration: bool) -> bool:
    """Write the form about these alerts, whole or not at all; False, and said, where there is none."""
    kind = require_form_file(out)
    if not found:
        print_message(f"There is no alert of {describe_form_layers()}: no form was drafted.")
        return False
    make = render_alert_form_pdf if kind == "pdf" else _render_form_page
    with atomic_write(out) as draft:
        draft.write_bytes(make(found, area=area, made=made, demonstration=demonstration))
    return True


def _render_form_page(found: list[Alert], *, area: Area, made: datetime, demonstration: bool) -> bytes:
    return render_alert_form(found, area=area, made=made, demonstration=demonstration).encode()


def _report_alerts(found: AlertReport, *, form: Format, draft: str | None) -> None:
    rows = [{name: to_json_value(value) for name, value in asdict(alert).items()} for alert in found.alerts]
    settings = [{name: to_json_value(value) for name, value in asdict(row).items()} for row in found.settings]
    payload = {
        "day": found.day.isoformat(),
        "days": found.days,
        "alerts": rows,
        "settings": settings,
        "notes": list(found.notes),
    } | ({"draft": draft} if draft else {})
    if form is Format.TABLE:
        for note in found.notes:
            print_message(note)
        if draft:
            print_message(f"A form was drafted, and not sent: {draft}")
    when = f"on {found.day}" if found.days == 1 else f"in the {found.days} days to {found.day}"
    shown = [{"alert": row["sentence"]} for row in rows]
    print_answer(payload, form=form, rows=shown, heading=f"Alerts {when}")

"""hotspots: where there are more events than usual."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from geo.errors import UsageError
from hexbeat.analysis.count_files import export_counts
from hexbeat.analysis.hotspot_groups import HOT, list_groups
from hexbeat.analysis.hotspot_map import MOST_AREA, HotspotMap, build_hotspot_map, list_hotspot_rows
from hexbeat.analysis.study import load_study
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_answer, note_rows
from hexbeat.cli.filter_options import (
    AsAtOption,
    DatasetOption,
    EngineName,
    EngineOption,
    FilterRequest,
    OutOption,
    ResolutionOption,
    SchedulerOption,
    build_json_rows,
    build_provenance,
    find_demonstration_mark,
    read_chosen,
    takes_filter,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from layers.access import require_export
from layers.counting import Counts
from layers.filters import require_resolution
from layers.wording import format_cell_width, format_p, format_percent, format_span

__all__ = ["hotspots"]


class HotspotTest(StrEnum):
    """By what `hotspots` judges."""

    CONCENTRATION = "concentration"
    GI = "gi"


class HotspotGrouping(StrEnum):
    """What `hotspots` lists."""

    CELL = "cell"
    GROUP = "group"


@takes_filter()
def hotspots(
    *,
    request: FilterRequest,
    resolution: ResolutionOption = 9,
    q: Annotated[
        float, typer.Option("--q", help="False discovery rate: the share of the cells shown that may be false.")
    ] = 0.05,
    by: Annotated[HotspotGrouping, typer.Option(help="List cells, or groups of cells that touch.")] = (
        HotspotGrouping.CELL
    ),
    method: Annotated[
        HotspotTest,
        typer.Option(help="Compare each place with its surroundings, or find busy cells that lie together (Gi*)."),
    ] = HotspotTest.CONCENTRATION,
    most_area: Annotated[
        float, typer.Option("--most-area", help="The share of the area that may be hot, by concentration.")
    ] = MOST_AREA,
    as_at: AsAtOption = None,
    dataset: DatasetOption = None,
    engine: EngineOption = EngineName.HERE,
    scheduler: SchedulerOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Find the hot and cold cells of one layer, with exact p-values.

    A hotspot holds at least twice as much as its surroundings, steadily, and too much for chance. Those that surely
    hold most come first. Without --from all records count. The map of the dashboard begins with 28 days, and chooses
    the size of cells: for the same hotspots, give its days and its --resolution.

    Example: hexbeat hotspots --layer needle_litter --from 2026-10-25 --to 2026-11-22 --by group
    """
    _require_rate(q)
    _require_share(most_area)
    _require_cells_for_file(by, out)
    with open_installation(home, area) as installation:
        size = require_resolution(resolution)
        columns, event_filter = read_chosen(
            installation, request, dataset=dataset, engine=engine, scheduler=scheduler, as_at=as_at
        )
        study = load_study(installation.area, event_filter.wards, size)
        hotspot_map = build_hotspot_map(
            columns,
            event_filter,
            study,
            q=q,
            method=method.value,
            most_area=most_area,
            time_zone=installation.area.time_zone,
        )
        rows = list_hotspot_rows(hotspot_map)
        note_rows(len(rows))
        if out:
            require_export(installation.viewer, "counts", event_filter.layers)
            note_answer()
            _write_hotspots(installation, hotspot_map, rows, Path(out), mark=find_demonstration_mark(columns))
        groups = list_groups(rows, installation.area) if by is HotspotGrouping.GROUP else _blank_groups(rows)
    _report_hotspots(hotspot_map, rows, groups, resolution=size, form=form, out=out)


def _require_rate(q: float) -> None:
    if not 0 < q < 1:
        raise UsageError("A false discovery rate lies between 0 and 1", f"--q is {q:g}", "choose for example --q 0.05")


def _require_share(most_area: float) -> None:
    if not 0 < most_area <= 1:
        raise UsageError(
            "The share of the area that may be hot lies between 0 and 1",
            f"--most-area is {most_area:g}",
            "choose for example --most-area 0.02",
        )


def _require_cells_for_file(by: HotspotGrouping, out: str | None) -> None:
    if out and by is HotspotGrouping.GROUP:
        raise UsageError(
            "A file of hotspots holds cells, each with its group",
            "--out was given with --by group",
            "leave out --by, and add up the file by its column group",
        )


def _write_hotspots(
    installation: Installation, hotspot_map: HotspotMap, rows: pd.DataFrame, out: Path, *, mark: str | None
) -> None:
    counts = Counts(hotspot_map.total, hotspot_map.unplaced_in_time, hotspot_map.shared_in_time, rows)
    note = build_provenance(installation, mark=mark) | {"layer": hotspot_map.spec.name, "q": f"{hotspot_map.q:g}"}
    export_counts(counts, out, by=("cell",), area=installation.area, note=note)


def _report_hotspots(
    hotspot_map: HotspotMap,
    rows: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    resolution: int,
    form: Format,
    out: str | None,
) -> None:
    """Print what is listed, all cells or the groups; as a table only hot and cold cells, the surest first."""
    hot, cold = (int((rows["hotspot"] == kind).sum()) for kind in ("hot", "cold"))
    is_judged = hotspot_map.is_known and not hotspot_map.refusal
    totals: dict[str, Any] = {
        "layer": hotspot_map.spec.name,
        "resolution": resolution,
        "period": [day.isoformat() for day in hotspot_map.period] if hotspot_map.period else None,
        "total": to_json_value(hotspot_map.total) if hotspot_map.is_known else None,
        "known_days": hotspot_map.known_days,
        "unplaced_in_time": hotspot_map.unplaced_in_time,
        "shared_in_time": hotspot_map.shared_in_time,
        "q": hotspot_map.q,
        "method": hotspot_map.method,
        "most_area": hotspot_map.most_area if hotspot_map.method == "concentration" else None,
        "time_unit": hotspot_map.time_unit or None,
        "time_units": hotspot_map.time_units if hotspot_map.time_unit else None,
        "looked_from": to_json_value(hotspot_map.looked_from),
        "unit": to_json_value(hotspot_map.unit),
        "hot": hot if is_judged else None,
        "cold": cold if is_judged else None,
        "notes": list(hotspot_map.notes),
    }
    records = build_json_rows(groups)
    is_grouped = "busiest" in groups
    table_rows = records if is_grouped else sorted(filter(_has_kind, records), key=_rank_cell)
    heading = f"{hotspot_map.spec.title}: {hot} hot and {cold} cold of {len(rows):,} cells; "
    heading += f"at most {format_percent(hotspot_map.q)} of them false on average. "
    heading += f"Cells of {format_cell_width(resolution)}"
    if hotspot_map.period:
        heading += f", {format_span(*hotspot_map.period)}"
    if hotspot_map.caution:
        heading += f". {hotspot_map.caution}"
    if form is Format.TABLE:
        for note in hotspot_map.notes:
            print_message(note)
        table_rows = [
            row | {name: format_p(row[name]) for name in ("p_value", "q_value") if name in row} for row in table_rows
        ]
    if form is Format.TABLE and not is_judged and not out:
        typer.echo(f"{hotspot_map.spec.title}: hotspots are not known")
        return
    file = {"out": out} if out else {}
    print_answer(totals | file | {"rows": records}, form=form, rows=[file] if out else table_rows, heading=heading)


def _blank_groups(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with None for no group, as JSON has it."""
    groups = [None if pd.isna(group) else int(group) for group in rows["group"]]
    return rows.assign(group=pd.Series(groups, index=rows.index, dtype=object))


def _has_kind(row: dict[str, Any]) -> bool:
    return bool(row["hotspot"])


def _rank_cell(row: dict[str, Any]) -> tuple[bool, bool, float, float, float]:
    """Hot cells first, by the times of their surroundings that they surely hold; by Gi* the surest.

    Hot cells without an event come after the others: they are hot because of the cells beside them.
    """
    far = row.get("times_at_least")
    return (
        row["hotspot"] != HOT,
        row["hotspot"] == HOT and not row["count"],
        -(far or 0.0),
        row["q_value"],
        -row["gi_z"],
    )

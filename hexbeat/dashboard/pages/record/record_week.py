"""This week's planned and delivered minutes, and the return of a quarter as a file."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd
import streamlit as st

from hexbeat.dashboard.pages.data.quality_tables import render_table
from hexbeat.dashboard.pages.record.record_view import build_week_rows, format_week_heading
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.ledger.ledger import read_visits, work_version
from hexbeat.operations.ledger.ledger_return import (
    Group,
    build_return,
    build_return_csv,
    build_return_notes,
    build_return_xlsx,
)
from hexbeat.operations.plans.plan import Plan
from hexbeat.operations.plans.plan_store import list_plans, load_plan
from layers.access import Action, may, require
from layers.periods import find_quarter, format_quarter, format_quarter_months

__all__ = ["draw_week", "load_plans"]

HEADINGS: Final = ("Planned", "Delivered", "Share", "Stops", "Needles")
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def draw_week(installation: Installation) -> None:
    """Figures by team and ward, and the return's downloads."""
    plans = load_plans(installation)
    found = read_visits(installation.store, installation.viewer)
    st.html(f'<h2 class="hb-title">{format_week_heading(installation.today)}</h2>')
    by: tuple[Group, ...] = ("team", "ward")
    tables = [
        (group, build_week_rows(plans, found, installation.area, by=group, today=installation.today)) for group in by
    ]
    if not any(rows for _, rows in tables):
        st.text("Nothing has been planned or recorded this week yet.")
    for group, rows in tables:
        if rows:
            title = group.capitalize()
            st.html(render_table((title, *HEADINGS), rows, caption=f"Minutes by {group}", numbers=(1, 2, 3, 4, 5)))
    st.html(
        '<p class="hb-small">Needles are those that sweeps collected; what the public reports is counted apart.</p>'
    )
    draw_return(installation, plans, found)


def draw_return(installation: Installation, plans: Sequence[Plan], found: pd.DataFrame) -> None:
    """The return by ward, quarter and team as CSV and Excel."""
    if not may(installation.viewer, Action.EXPORT):
        st.text("Your role cannot download this.")
        return
    st.html('<h2 class="hb-title">The return</h2>')
    this, _ = find_quarter(installation.today)
    starts = [this, find_quarter(this - dt.timedelta(days=1))[0]]
    start = st.selectbox(
        "Quarter",
        starts,
        format_func=lambda day: f"{format_quarter(day)}: {format_quarter_months(day)}",
        key="done_quarter",
    )
    st.text(
        "Planned and delivered minutes, stops, visits and needles by ward and team. It contains no names of people."
    )
    stem = f"hexbeat-{installation.area.name}-return-{format_quarter(start).replace('/', '-').replace(' ', '-')}"
    with st.container(horizontal=True, gap="small"):
        for label, ending, mime, make in (
            (
                "CSV",
                ".csv",
                "text/csv",
                lambda: build_return_csv(build_return_table(installation, plans, found, start)),
            ),
            ("Excel", ".xlsx", XLSX, lambda: build_return_workbook(installation, plans, found, start)),
        ):
            st.download_button(
                label,
                data=check_export(installation, make),
                file_name=stem + ending,
                mime=mime,
                on_click="ignore",
                key=f"done{ending}",
            )


def check_export(installation: Installation, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Asks the policy again when the file is made."""

    def made() -> bytes:
        require(installation.viewer, Action.EXPORT)
        return make()

    return made


def build_return_table(
    installation: Installation, plans: Sequence[Plan], found: pd.DataFrame, start: dt.date
) -> pd.DataFrame:
    """The return of the quarter that begins on a day."""
    area, (first, end) = installation.area, find_quarter(start)
    return build_return(plans, found, area.wards, start=first, end=end, time_zone=area.time_zone)


def build_return_workbook(
    installation: Installation, plans: Sequence[Plan], found: pd.DataFrame, start: dt.date
) -> bytes:
    """The same as a workbook with its notes."""
    return build_return_xlsx(build_return_table(installation, plans, found, start), build_return_notes(plans, found))


def load_plans(installation: Installation) -> list[Plan]:
    """The plans of this area, the newest first; read again only when something was recorded or planned."""
    require(installation.viewer, Action.SEE_WORK)
    folder = installation.settings.home / "plans"
    stamp = tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.json")))
    plans = _plans(installation, str(folder), stamp, work_version(installation.store, installation.viewer))
    return [plan for plan in plans if plan.area == installation.area.name]


@st.cache_resource(max_entries=4, show_spinner=False)
def _plans(_here: Installation, folder: str, stamp: tuple[tuple[str, int], ...], work: int) -> list[Plan]:
    del folder, stamp, work
    return [load_plan(_here.settings.home, plan_id) for plan_id, _, _ in list_plans(_here.settings.home)]

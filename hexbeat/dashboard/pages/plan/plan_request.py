"""The choices of a plan, with defaults for today."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import streamlit as st

from geo.errors import UsageError
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.place_box import draw_place_box
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.presets import SHIFT_TITLES
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.plans.patrol import PatrolChoices
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import find_starts, forget_start, read_plan_settings
from hexbeat.operations.plans.sweep import SweepChoices
from layers.catalogue import LAYERS, list_usual_targets
from layers.columns import Columns

__all__ = ["draw_patrol_choices", "draw_sweep_choices", "find_next_shift"]

SHIFTS: Final = SHIFT_TITLES | {"hours": "Hours …"}
MODES: Final = {"walk": "On foot", "drive": "By car"}
ELSEWHERE: Final = "Another place …"
_Choices = TypeVar("_Choices")


@dataclass(frozen=True, slots=True)
class _SharedChoices:
    """The choices that both kinds of plan have."""

    start: Place
    wards: tuple[str, ...]


def draw_patrol_choices(installation: Installation, seed: int) -> PatrolChoices | None:
    """Draw the choices of a patrol and return them; None, with the reason on the page, if they are not complete."""
    with st.container(horizontal=True, key="hb_plan_choices", gap="medium", vertical_alignment="bottom"):
        # Kept for the session, because a default that changes would undo what a person chose.
        now = dt.datetime.now(installation.area.tz)
        next_day, next_shift = st.session_state.setdefault("patrol_next_shift", find_next_shift(now))
        day = st.date_input("Day", value=next_day, format="DD/MM/YYYY", key="patrol_day", width=150)
        hours = _draw_hours("patrol", next_shift)
        teams = st.number_input("Teams", min_value=1, max_value=12, value=2, key="patrol_teams", width=120)
        mode = st.pills(
            "Going", list(MODES), default="walk", required=True, key="patrol_mode", format_func=MODES.__getitem__
        )
    with st.container(horizontal=True, key="hb_plan_where", gap="medium", vertical_alignment="bottom"):
        weights = _draw_weights(installation.columns)
        common = _draw_where(installation, "patrol", "station")
    if not (weights and common and hours and mode):
        return None
    return _build_choices(
        lambda: PatrolChoices(
            day=day,
            hours=hours,
            start=common.start,
            weights=weights,
            teams=int(teams),
            revisit_minutes=read_plan_settings(installation.settings.home).revisit_minutes,
            mode="drive" if mode == "drive" else "walk",
            wards=common.wards,
            seed=seed,
        )
    )


def draw_sweep_choices(installation: Installation, seed: int) -> SweepChoices | None:
    """Draw the choices of a sweep and return them; None, with the reason on the page, if they are not complete."""
    standard = read_plan_settings(installation.settings.home).standard_hours
    with st.container(horizontal=True, key="hb_plan_choices", gap="medium", vertical_alignment="bottom"):
        day = st.date_input("Day", value=installation.today, format="DD/MM/YYYY", key="sweep_day", width=150)
        span = st.slider("Working day", 0, 24, (7, 15), key="sweep_hours", format="%d:00", width=220)
        crews = st.number_input("Crews", min_value=1, max_value=12, value=1, key="sweep_crews", width=120)
        hours = st.number_input(
            "Reports answered within (hours)", min_value=0.5, max_value=672.0, value=standard, step=0.5,
            key="sweep_standard", width=220,
        )  # fmt: skip
    with st.container(horizontal=True, key="hb_plan_where", gap="medium", vertical_alignment="bottom"):
        common = _draw_where(installation, "sweep", "depot")
    if not common:
        return None
    return _build_choices(
        lambda: SweepChoices(
            day=day,
            hours=span,
            start=common.start,
            crews=int(crews),
            standard_hours=float(hours),
            wards=common.wards,
            seed=seed,
        )
    )


def find_next_shift(now: dt.datetime) -> tuple[dt.date, str]:
    """The next shift that begins, by its day and its name; `now` is local."""
    begins = [
        (dt.datetime.combine(now.date() + dt.timedelta(days=later), dt.time(first)), name)
        for later in (0, 1)
        for name, (first, _) in SHIFT_HOURS.items()
    ]
    begin, name = min(one for one in begins if one[0] >= now.replace(tzinfo=None))
    return begin.date(), name


def _draw_hours(key: str, default: str) -> tuple[int, int] | None:
    shift = st.pills(
        "Shift", list(SHIFTS), default=default, required=True, key=f"{key}_shift", format_func=SHIFTS.__getitem__
    )
    if shift != "hours":
        return SHIFT_HOURS[str(shift)] if shift else None
    first = st.number_input("From", min_value=0, max_value=23, value=18, key=f"{key}_from", width=110)
    last = st.number_input("To", min_value=1, max_value=24, value=24, key=f"{key}_to", width=110)
    if first == last:
        st.text("The start and the end are the same hour.")
        return None
    return int(first), int(last)


def _draw_weights(columns: Columns) -> tuple[tuple[str, float], ...]:
    """Draw layers and their weights, and return them. People weigh the layers: they are never simply added up."""
    incidents = [spec.name for spec in columns.list_shown(in_cells=True) if spec.kind == "incident"]
    titles = {spec.name: spec.title for spec in LAYERS}
    requested = [layer for layer in st.query_params.get("layers", "").split(",") if layer in incidents]
    chosen = st.pills(
        "What counts",
        incidents,
        selection_mode="multi",
        default=requested or [name for name in list_usual_targets() if name in incidents],
        key="patrol_layers",
        format_func=titles.__getitem__,
    )
    if not chosen:
        st.text("Choose at least one layer.")
        return ()
    if len(chosen) == 1:
        return ((chosen[0], 1.0),)
    return tuple(
        (
            layer,
            float(
                st.number_input(
                    f"Weight of {titles[layer].lower()}", min_value=0.1, max_value=100.0, value=1.0, step=0.5,
                    key=f"weight_{layer}", width=190,
                )
            ),
        )
        for layer in incidents
        if layer in chosen
    )  # fmt: skip


def _draw_where(installation: Installation, key: str, kind: str) -> _SharedChoices | None:
    """Draw the start of the tours and the wards, and return them; None if no start is chosen."""
    start = _draw_start(installation, key, kind)
    labels = build_ward_labels(installation.area.wards)
    requested = st.query_params.get("wards", "").split(",") if f"{key}_wards" not in st.session_state else []
    wards = st.multiselect(
        "Wards",
        list(installation.area.wards.codes),
        default=[code for code in requested if code in installation.area.wards.codes],
        key=f"{key}_wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
    )
    return _SharedChoices(start, tuple(sorted(wards))) if start else None


def _draw_start(installation: Installation, key: str, kind: str) -> Place | None:
    """Draw the choice among the saved starts, or the box that finds another place; None until one is chosen.

    Nothing is filled in that nobody chose. A new start is saved under the name that the person gives it.
    """
    home = installation.settings.home
    places = {place.name: place for place in find_starts(home, installation.store, installation.viewer, kind)}
    if places:
        chosen = st.selectbox("Start and finish", [*places, ELSEWHERE], key=f"{key}_start", width=280)
        if chosen in places:
            if chosen in {place.name for place in read_plan_settings(home).starts}:
                st.button("Forget this start", key=f"{key}_forget", on_click=forget_start, args=(home, str(chosen)))
            return places[str(chosen)]
    found = draw_place_box(installation.area, "Start and finish", key=f"{key}_place")
    if found is None:
        if not st.session_state.get(f"{key}_place_words", "").strip():
            st.text("Choose where the tours start and finish.")
        return None
    name = st.text_input("Save it as", value=found.name, max_chars=80, key=f"{key}_name_{found.name}", width=280)
    return Place(name.strip() or found.name, found.lon, found.lat)


def _build_choices(make: Callable[[], _Choices]) -> _Choices | None:
    """The choices as made by `make`; None, with the error on the page, if they contradict each other."""
    try:
        return make()
    except UsageError as error:
        draw_error(error)
        return None

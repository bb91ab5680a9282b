"""The plan page: try or open a patrol or a needle sweep, draw it, and issue it as work to do."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.header import draw_any_old_records, draw_header
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.pages.plan.plan_request import draw_patrol_choices, draw_sweep_choices, find_start_key
from hexbeat.dashboard.pages.plan.plan_result import draw_plan, draw_saved_plans, remember_choices
from hexbeat.dashboard.screen import STYLE, draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.plans.patrol import PatrolChoices, make_patrol_plan
from hexbeat.operations.plans.plan import Place, Plan, PlanKind
from hexbeat.operations.plans.plan_access import load_visible_plan
from hexbeat.operations.plans.plan_settings import read_plan_settings, remember_start
from hexbeat.operations.plans.plan_store import load_plan, save_plan
from hexbeat.operations.plans.roads import load_road_travel
from hexbeat.operations.plans.sweep import SweepChoices, make_sweep_plans, read_open_reports
from hexbeat.operations.reference_places import read_reference
from hexbeat.operations.saved_views import note_start
from layers.access import Action, may, require

__all__ = ["find_open_kind", "make_patrol", "make_sweep", "open_plan", "show"]

KINDS: Final = {"patrol": "Patrol", "sweep": "Needle sweep"}
WORKING: Final = "Choosing the stops …"


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the plan page."""
    draw_header(installation, pages)
    st.html(STYLE / "plan.css")
    if not may(installation.viewer, Action.PLAN):
        st.text("Your role cannot make plans.")
        return
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    draw_any_old_records(installation)
    if draw_request(installation, is_folded="plan" in st.query_params):
        st.rerun()  # the plan comes first now, and the choices are folded
    plan = open_plan(installation)
    if plan:
        draw_plan(installation, plan, pages)
    else:
        st.html(
            '<div class="hb-empty"><h2>No plan is open</h2><p>Choose above and press <b>Make the plan</b>. Nobody sees '
            "it as work to do before you issue it.</p></div>"
        )
    draw_saved_plans(installation)


def draw_request(installation: Installation, *, is_folded: bool) -> bool:
    """Draw the choices and the buttons that make a plan, folded where one is open. Whether a plan was made."""
    seed = int(st.session_state.get("plan_seed", 0))
    with st.container(horizontal=True, key="hb_plan_fold", gap="small", vertical_alignment="top"):
        form = st.expander("Change the choices, or make another plan") if is_folded else st.container()
        with form:
            with st.container(horizontal=True, key="hb_plan_kind", gap="medium", vertical_alignment="center"):
                kind = st.segmented_control(
                    "Plan", list(KINDS), default=find_open_kind(installation), required=True, key="plan_kind",
                    format_func=KINDS.__getitem__, label_visibility="collapsed",
                )  # fmt: skip
                question = st.container(width="stretch")
            lacks: list[str] = []
            patrol = draw_patrol_choices(installation, seed, question, lacks) if kind == "patrol" else None
            sweep = draw_sweep_choices(installation, seed, question, lacks) if kind == "sweep" else None
            ready = patrol is not None or sweep is not None
            buttons = st.container(horizontal=True, key="hb_plan_make", gap="small", vertical_alignment="center")
            make = buttons.button(
                "Make the plan", key="plan_make", type="primary", disabled=not ready, on_click=reset_seed
            )
            if lacks:
                buttons.text(" ".join(lacks))
        again = (st if is_folded else buttons).button(
            "Try a different plan", key="plan_again", disabled=not ready, on_click=raise_seed,
            help="The same choices, with other stops, order and times.",
        )  # fmt: skip
    if not (make or again):
        return False
    if patrol:
        return make_patrol(installation, patrol)
    return make_sweep(installation, *sweep) if sweep else False


def reset_seed() -> None:
    """Start with the first plan of these choices, which is the same for the same records."""
    st.session_state["plan_seed"] = 0


def raise_seed() -> None:
    """Ask for a different plan of the same choices."""
    st.session_state["plan_seed"] = int(st.session_state.get("plan_seed", 0)) + 1


def make_patrol(installation: Installation, choices: PatrolChoices) -> bool:
    """Make, save and open a patrol plan, and answer True; or show the error."""

    def make(_: Callable[[int, int], None]) -> list[Plan]:
        travel = load_road_travel(_find_roads(installation), mode=choices.mode, home=installation.settings.home)
        plan = make_patrol_plan(
            installation.columns, installation.area, choices, documents=installation.documents, travel=travel
        )
        remember_choices(plan, choices)
        return [plan]

    return _make_plans(installation, make, choices.start, "patrol")


def make_sweep(installation: Installation, choices: SweepChoices, days: int) -> bool:
    """Make, save and open a sweep plan, or one for each of several days, and answer True; or show the error."""

    def make(show_progress: Callable[[int, int], None]) -> list[Plan]:
        codes = choices.wards or installation.area.wards.codes
        return make_sweep_plans(
            installation.columns,
            installation.area,
            choices,
            days=days,
            reports=read_open_reports(installation.store, installation.viewer, ward_codes=codes),
            reference=read_reference(installation.store, installation.viewer),
            travel=load_road_travel(_find_roads(installation), mode=choices.mode, home=installation.settings.home),
            progress=show_progress,
        )

    return _make_plans(installation, make, choices.start, "sweep")


def _make_plans(
    installation: Installation,
    make: Callable[[Callable[[int, int], None]], list[Plan]],
    start: Place | None,
    key: str,
) -> bool:
    bar = st.progress(0.0, text=WORKING)

    def show_progress(step: int, steps: int) -> None:
        bar.progress(min(step / steps, 1.0), text=WORKING)

    try:
        require(installation.viewer, Action.PLAN)
        with audit_change(installation, action=Action.PLAN, what="plan") as deed:
            plans = make(show_progress)
            deed.rows = sum(len(tour.stops) for plan in plans for tour in plan.tours)
        for plan in plans:
            save_plan(installation.documents, plan, time_zone=installation.area.time_zone)
        if start is not None:
            st.session_state[find_start_key(key)] = start.name
            if read_plan_settings(installation.documents).starts[:1] != (start,):
                remember_start(installation.documents, start)
            note_start(installation.documents, key, start.name)
    except HexbeatError as error:
        draw_error(error)
        return False
    finally:
        bar.empty()
    st.query_params["plan"] = plans[0].plan_id
    return True


def _find_roads(installation: Installation) -> str | None:
    return read_plan_settings(installation.documents).roads


def find_open_kind(installation: Installation) -> str:
    """The kind of the plan in the address; without a plan, the kind that the address names, else patrol."""
    try:
        return str(load_plan(installation.documents, st.query_params.get("plan", "")).kind)
    except HexbeatError:
        kind = st.query_params.get("kind", "")
        return kind if kind in list(PlanKind) else "patrol"


def open_plan(installation: Installation) -> Plan | None:
    """The plan in the address; None if there is none, it does not exist, or it is for another area."""
    plan_id = st.query_params.get("plan", "")
    if not plan_id:
        return None
    try:
        plan = load_visible_plan(installation.documents, installation.viewer, plan_id)
    except HexbeatError as error:
        draw_error(error)
        return None
    return plan if plan.area == installation.area.name else None

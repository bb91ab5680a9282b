"""Making a plan from the page: with progress, kept in the home folder, and open until another is."""

from collections.abc import Callable

import streamlit as st

from dashboard.screen import draw_error
from dashboard.session import Installation
from geo.errors import HexbeatError
from layers.access import Action, require
from layers.plans.open_reports import read_open_reports
from layers.plans.patrol import PatrolChoices, make_patrol_plan
from layers.plans.plan import Place, Plan, PlanKind
from layers.plans.roads import load_road_travel
from layers.plans.settings import read_plan_settings, remember_start
from layers.plans.store import load_plan, save_plan
from layers.plans.sweep import SweepChoices, make_sweep_plan
from layers.work.reference import read_reference

__all__ = ["find_open_kind", "make_patrol", "make_sweep", "open_plan"]

_STEPS = ("What is expected where …", "Stops and their order …", "What such plans caught in past weeks …")


def make_patrol(here: Installation, choices: PatrolChoices) -> None:
    """Make, keep and open a patrol plan; an error in three parts where that cannot be."""

    def make(tell: Callable[[int, int], None]) -> Plan:
        travel = load_road_travel(_roads(here), mode=choices.mode, home=here.settings.home)
        return make_patrol_plan(here.columns, here.area, choices, home=here.settings.home, travel=travel, progress=tell)

    _make_plan(here, make, choices.start, words=lambda step, _: _STEPS[min(step, len(_STEPS) - 1)])


def make_sweep(here: Installation, choices: SweepChoices) -> None:
    """Make, keep and open a sweep plan; an error in three parts where that cannot be."""

    def make(tell: Callable[[int, int], None]) -> Plan:
        codes = choices.wards or here.area.wards.codes
        reports = read_open_reports(here.store, here.viewer, ward_codes=codes)
        near = read_reference(here.store, here.viewer)
        travel = load_road_travel(_roads(here), mode=choices.mode, home=here.settings.home)
        return make_sweep_plan(
            here.columns, here.area, choices, reports=reports, near=near, travel=travel, progress=tell
        )

    _make_plan(here, make, choices.start, words=lambda step, _: f"Crew {step + 1}: stops and their order …")


def _make_plan(
    here: Installation,
    make: Callable[[Callable[[int, int], None]], Plan],
    start: Place,
    *,
    words: Callable[[int, int], str],
) -> None:
    bar = st.progress(0.0, text=words(0, 1))

    def tell(step: int, of: int) -> None:
        bar.progress(min(step / of, 1.0), text=words(step, of))

    try:
        require(here.viewer, Action.PLAN)
        plan = make(tell)
        save_plan(here.settings.home, plan, time_zone=here.area.time_zone)
        if read_plan_settings(here.settings.home).start != start:
            remember_start(here.settings.home, start)
    except HexbeatError as error:
        draw_error(error)
        return
    finally:
        bar.empty()
    st.query_params["plan"] = plan.plan_id


def _roads(here: Installation) -> str | None:
    return read_plan_settings(here.settings.home).roads


def find_open_kind(here: Installation) -> str:
    """The kind of the plan that the address names, so that the choices are its kind's.

    Without a plan the kind that the address asks for; patrol if it asks for none.
    """
    try:
        return str(load_plan(here.settings.home, st.query_params.get("plan", "")).kind)
    except HexbeatError:
        asked = st.query_params.get("kind", "")
        return asked if asked in list(PlanKind) else "patrol"


def open_plan(here: Installation) -> Plan | None:
    """The plan that the address names; None if it names none, or one that is not here or is of another area."""
    named = st.query_params.get("plan", "")
    if not named:
        return None
    try:
        plan = load_plan(here.settings.home, named)
    except HexbeatError as error:
        draw_error(error)
        return None
    return plan if plan.area == here.area.name else None

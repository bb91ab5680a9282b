"""The choices of the page "Did it work?": the place, its start, what is counted, and the settings."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from hexbeat.analysis.study import load_study
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.place_box import draw_place_box
from hexbeat.dashboard.state.closure_answers import format_closures, load_closures
from hexbeat.dashboard.state.session import Installation
from hexbeat.evaluation.request import build_cell_place, build_point_place, build_ward_place, parse_weights
from hexbeat.evaluation.rule import USUAL_RULE, Rule
from hexbeat.evaluation.treated_closures import select_closures
from hexbeat.evaluation.treated_places import TreatedPlace
from layers.catalogue import LAYERS, find_layer, list_usual_targets

__all__ = ["ONE_CLOSURE", "EvaluationRequest", "draw_evaluation_choices"]

ONE_CLOSURE, ALL_CLOSURES, WARDS, CELLS, POINT = "A closure", "All closures in a period", "Wards", "Cells", "A point"
_RESOLUTION: Final = 9  # of the cells to choose from: those that the map shows first


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """The places and the rule. If no place is chosen yet, `missing` says what to do."""

    places: tuple[TreatedPlace, ...]
    rule: Rule
    missing: str = ""


def draw_evaluation_choices(installation: Installation) -> EvaluationRequest:
    """Draw the choices. UsageError for weights that cannot be read."""
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        way = st.pills(
            "What was done",
            [ONE_CLOSURE, ALL_CLOSURES, WARDS, CELLS, POINT],
            key="outcome_way",
            default=ONE_CLOSURE,
            required=True,
        )
        layer = st.pills(
            "What is counted",
            [spec.name for spec in LAYERS if spec.kind == "incident"],
            key="outcome_layer",
            default=list_usual_targets()[0],
            required=True,
            format_func=lambda name: find_layer(name).title,
        )
        places, missing = _draw_places(installation, str(way))
    return EvaluationRequest(tuple(places), _draw_rule(str(layer)), missing)


def _draw_places(installation: Installation, way: str) -> tuple[list[TreatedPlace], str]:
    """Draw the chosen way to name places. The places, or none and a sentence that says what to choose."""
    if way in (ONE_CLOSURE, ALL_CLOSURES):
        closures = load_closures(installation)
        if closures.empty:
            return (
                [],
                "No closed properties have been loaded: choose wards or a point, or load closures on the Data page.",
            )
        return _choose_closure(closures) if way == ONE_CLOSURE else _choose_all_closures(installation, closures)
    start = st.date_input(
        "Started on", value=installation.today - dt.timedelta(days=91), max_value=installation.today,
        key="outcome_start", format="DD/MM/YYYY",
    )  # fmt: skip
    day = start if isinstance(start, dt.date) else installation.today
    if way == WARDS:
        labels = build_ward_labels(installation.area.wards)
        wards = st.multiselect("Where", sorted(labels, key=labels.__getitem__), key="outcome_wards",
                               format_func=labels.__getitem__, placeholder="Choose wards")  # fmt: skip
        return (
            ([build_ward_place(installation.area, tuple(wards), day)], "")
            if wards
            else ([], "Choose one or more wards.")
        )
    if way == CELLS:
        return _draw_cells(installation, day)
    place = draw_place_box(installation.area, "Where", key="outcome_place")
    if place is None:
        return [], "Choose the place: a street, a postcode, or a latitude and longitude."
    return [build_point_place(place.lon, place.lat, day, name=place.name)], ""


def _draw_cells(installation: Installation, day: dt.date) -> tuple[list[TreatedPlace], str]:
    """Draw the choice of cells, by their names on the map or by H3 codes. Together they are one place."""
    labels = build_cell_labels(installation)
    entries = st.multiselect(
        "Cells", list(labels), key="outcome_cells", placeholder="Type a street, a ward or a cell's code",
        accept_new_options=True, format_func=lambda cell: labels.get(cell, cell),
        help="As the map's cards name them, like Linthorpe Road, near Borough Road (Central). You can also paste H3 "
        "codes, with commas or spaces between.",
    )  # fmt: skip
    codes = list(dict.fromkeys(code for text in entries for code in text.replace(",", " ").split()))
    return ([build_cell_place(codes, day)], "") if codes else ([], "Choose one or more cells. They count as one place.")


def build_cell_labels(installation: Installation) -> dict[str, str]:
    """Names of the cells of the area by H3 code, sorted."""
    study = load_study(installation.area, (), _RESOLUTION)
    labels = dict(zip(study.names.tolist(), study.name_places(np.arange(len(study))), strict=True))
    return dict(sorted(labels.items(), key=lambda pair: pair[1]))


def _choose_closure(closures: pd.DataFrame) -> tuple[list[TreatedPlace], str]:
    labels = format_closures(closures)
    event_id = st.selectbox(
        "Closure", list(labels), index=None, key="outcome_closure", format_func=labels.__getitem__,
        placeholder="Choose a closure, newest first",
    )  # fmt: skip
    if event_id is None:
        return [], "Choose a closure from the list, or choose all closures in a period."
    return select_closures(closures, [event_id]), ""


def _choose_all_closures(installation: Installation, closures: pd.DataFrame) -> tuple[list[TreatedPlace], str]:
    first, last = min(closures["start"]), max(closures["start"])
    usual = (max(first, last - dt.timedelta(days=456)), max(first, last - dt.timedelta(days=91)))
    span = st.date_input("Started between", value=usual, min_value=first, max_value=installation.today,
                         key="outcome_span", format="DD/MM/YYYY")  # fmt: skip
    if not isinstance(span, tuple) or len(span) != 2:  # noqa: PLR2004 - a first and a last day
        return [], "Choose a first and a last day."
    ids = closures.loc[[span[0] <= day <= span[1] for day in closures["start"]], "event_id"].tolist()
    return (select_closures(closures, ids), "") if ids else ([], "No closure started in this period.")


def _draw_rule(layer: str) -> Rule:
    """Draw the settings of the comparison; unchanged, they are the usual ones."""
    with st.expander("Settings of the comparison", expanded=False):
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            radius = st.number_input("Radius, metres", 50, 2_000, int(USUAL_RULE.radius_m), 10, key="outcome_radius")
            ring = st.number_input(
                "Width of the area next door, in metres", 0, 1_000, int(USUAL_RULE.ring_m), 10, key="outcome_ring"
            )
            before = st.number_input("Before, weeks", 8, 156, USUAL_RULE.before_days // 7, 1, key="outcome_before")
            wash_in = st.number_input(
                "Left out before the start, weeks", 0, 26, USUAL_RULE.wash_in_days // 7, 1, key="outcome_wash"
            )
            after = st.number_input("After, weeks at most (0: all)", 0, 156, 0, 1, key="outcome_after")
        weights = st.text_input(
            "Harm weights, by layer or category", key="outcome_weights",
            placeholder="overdoses=15, overdoses/fatal=100",
            help="Empty: events are counted. Layers that are named here are counted together by their weights.",
        )  # fmt: skip
    layers, categories = parse_weights([part for part in weights.split(",") if part.strip()])
    return Rule(
        layers=layers or {layer: 1.0},
        categories=categories,
        radius_m=float(radius),
        ring_m=float(ring),
        before_days=7 * int(before),
        wash_in_days=7 * int(wash_in),
        after_days=max(7 * int(after), 28) if after else None,
    )

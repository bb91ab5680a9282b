"""What a person asks of "Did it work": which place, from when, what is counted, by which settings."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import pandas as pd
import streamlit as st

from hexbeat.analysis.study import load_study
from hexbeat.areas.place_names import build_ward_labels, format_cell_name
from hexbeat.dashboard.state.session import Installation
from hexbeat.evaluation.request import build_cell_place, build_point_place, build_ward_place, parse_weights
from hexbeat.evaluation.rule import USUAL_RULE, Rule
from hexbeat.evaluation.treated_closures import read_closures, select_closures
from hexbeat.evaluation.treated_places import TreatedPlace
from layers.catalogue import LAYERS, find_layer, list_usual_targets
from layers.wording import format_date

__all__ = ["EvaluationRequest", "draw_evaluation_choices"]

ONE, ALL, WARDS, CELLS, POINT = "A closure", "All closures in a period", "Wards", "Cells", "A point"
_RESOLUTION: Final = 9  # of the cells to choose from: those that the map shows first


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """The places (none: not chosen yet, and `missing` says what to do) and the rule."""

    places: tuple[TreatedPlace, ...]
    rule: Rule
    missing: str = ""


def draw_evaluation_choices(installation: Installation) -> EvaluationRequest:
    """Draw the question. UsageError for weights that make no sense."""
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        way = st.pills("What was done", [ONE, ALL, WARDS, CELLS, POINT], key="outcome_way", default=ONE, required=True)
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
    """The places by the chosen way, or what is missing."""
    if way in (ONE, ALL):
        listed = load_closures(installation)
        if listed.empty:
            return (
                [],
                "No closed properties have been loaded: choose wards or a point, or load closures on the Data page.",
            )
        return _choose_closure(listed) if way == ONE else _choose_all_closures(installation, listed)
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
        return _cells(installation, day)
    lon, lat = installation.area.centre
    lat = st.number_input("Latitude", value=round(lat, 4), format="%.4f", step=0.001, key="outcome_lat")
    lon = st.number_input("Longitude", value=round(lon, 4), format="%.4f", step=0.001, key="outcome_lon")
    return [build_point_place(lon, lat, day)], ""


def _cells(installation: Installation, day: dt.date) -> tuple[list[TreatedPlace], str]:
    """Cells as the map names them, or any others by their H3 code: together they are one place."""
    words = build_cell_labels(installation)
    chosen = st.multiselect(
        "Cells", list(words), key="outcome_cells", placeholder="Type a ward, or a cell's code", accept_new_options=True,
        format_func=lambda cell: words.get(cell, cell),
        help="As the map's cards name them, like Central · 4e17; or paste H3 codes, with commas or spaces between.",
    )  # fmt: skip
    codes = list(dict.fromkeys(code for text in chosen for code in text.replace(",", " ").split()))
    return ([build_cell_place(codes, day)], "") if codes else ([], "Choose one or more cells. They count as one place.")


def build_cell_labels(installation: Installation) -> dict[str, str]:
    """The cells of the area in words by their H3 code, ward by ward."""
    study = load_study(installation.area, (), _RESOLUTION)
    pairs = zip(study.names.tolist(), study.ward_names.tolist(), study.cells.tolist(), strict=True)
    words = {name: format_cell_name(ward, cell) for name, ward, cell in pairs}
    return dict(sorted(words.items(), key=lambda pair: pair[1]))


def _choose_closure(listed: pd.DataFrame) -> tuple[list[TreatedPlace], str]:
    words = {
        str(row["event_id"]): f"{format_date(row['start'])}, {row['ward_name']} ({str(row['event_id'])[:4]})"
        for row in listed.to_dict("records")
    }
    chosen = st.selectbox(
        "Closure", list(words), index=None, key="outcome_closure", format_func=words.__getitem__,
        placeholder="Choose a closure, newest first",
    )  # fmt: skip
    if chosen is None:
        return [], "Choose a closure from the list, or choose all closures in a period."
    return select_closures(listed, [chosen]), ""


def _choose_all_closures(installation: Installation, listed: pd.DataFrame) -> tuple[list[TreatedPlace], str]:
    first, last = min(listed["start"]), max(listed["start"])
    usual = (max(first, last - dt.timedelta(days=456)), max(first, last - dt.timedelta(days=91)))
    span = st.date_input("Started between", value=usual, min_value=first, max_value=installation.today,
                         key="outcome_span", format="DD/MM/YYYY")  # fmt: skip
    if not isinstance(span, tuple) or len(span) != 2:  # noqa: PLR2004 - a first and a last day
        return [], "Choose a first and a last day."
    ids = listed.loc[[span[0] <= day <= span[1] for day in listed["start"]], "event_id"].tolist()
    return (select_closures(listed, ids), "") if ids else ([], "No closure started in this period.")


def _draw_rule(layer: str) -> Rule:
    """The usual settings, or those of the drawer."""
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


def load_closures(installation: Installation) -> pd.DataFrame:
    """The closures to choose from, kept for this version of the store: those that are over four weeks old."""
    return _closures(installation, installation.key, installation.today)


@st.cache_resource(max_entries=8, show_spinner=False)
def _closures(_here: Installation, key: tuple[str, int, str, str], today: dt.date) -> pd.DataFrame:
    del key
    listed = read_closures(_here.store, _here.viewer, _here.columns, _here.area)
    return listed[[day <= today - dt.timedelta(days=28) for day in listed["start"]]].reset_index(drop=True)

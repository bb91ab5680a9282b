"""The page "Did it work?": the place, the rule that is fixed in advance, then the answer with its maps."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import folium
import numpy as np
import shapely
import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit_folium import st_folium

from geo.errors import HexbeatError
from hexbeat.analysis.costs import read_usable_costs
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.areas.credits import format_credits
from hexbeat.dashboard.audit import audit_file
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.pages.evaluation.evaluation_choices import (
    ONE_CLOSURE,
    EvaluationRequest,
    draw_evaluation_choices,
)
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.screen import check_export, draw_error
from hexbeat.dashboard.state.closure_answers import find_closure_answers
from hexbeat.dashboard.state.session import Installation, InstallationKey
from hexbeat.dashboard.views.meanings import render_meaning
from hexbeat.documents.evaluation_document import build_picture_scale, render_evaluation_pdf
from hexbeat.evaluation.outcome_rows import (
    build_evaluation_csv,
    build_evaluation_geojson,
    build_evaluation_shapes,
    build_side_rows,
    format_side_number,
)
from hexbeat.evaluation.request import Evaluation, evaluate_protocol, fix_protocol
from hexbeat.evaluation.rule import Protocol, describe_rule, format_protocol
from hexbeat.evaluation.shapes import build_picture
from layers.access import Action, may, may_make
from layers.catalogue import find_layer
from layers.costs import Costs
from layers.wording import escape_html

__all__ = ["draw_before_after", "render_intervals", "render_table", "show"]

_BAR_STYLE: Final = "position:absolute;top:50%;transform:translateY(-50%)"
_TITLES: Final = {"where": "Where", "before": "Before", "after": "After", "expected": "Expected",
                  "difference": "Difference", "interval": "95 % interval", "like": "Similar places, before and after",
                  "verdict": "What we can say"}  # fmt: skip
HEIGHT: Final = 400
_MOST_LINES: Final = 400  # outlines on a map; above this, only those of treated places
_LINE_STYLES: Final[dict[str, dict[str, Any]]] = {
    "treated": {"color": "#1098ad", "weight": 3, "fill": False},
    "ring": {"color": "#1098ad", "weight": 2, "dash_array": "6 5", "fill": False},
    "control": {"color": "#868e96", "weight": 1.5, "dash_array": "2 4", "fill": False},
}
REASON: Final = (
    "A property is often closed after a peak, and peaks pass by themselves. So Hexbeat compares the place with similar "
    "places where nothing was done. The rule is fixed before anybody sees what happened next."
)


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    try:
        request = draw_evaluation_choices(installation)
        if not request.places:
            st.html(f'<p class="hb-sentence">Did it work?</p><p class="hb-notes">{escape_html(REASON)}</p>')
            st.info(request.missing)
            draw_last_closures(installation)
            return
        protocol = _fix_cached_protocol(installation, installation.key, installation.today, request)
        if draw_rule(installation, protocol):
            draw_answer(installation, protocol)
    except HexbeatError as error:
        draw_error(error)


def draw_last_closures(installation: Installation) -> None:
    """Draw what became of the last closures, with a way to each; nothing for a person who may not see them."""
    if not may(installation.viewer, Action.SEE_POINTS):
        return
    answers = find_closure_answers(installation)
    if not answers:
        return
    st.html(
        '<h2 class="hb-title">What became of the last closures</h2>'
        '<p class="hb-notes">Each by the usual rule, and by itself. '
        "Of twenty closures that change nothing, about one looks as if it had. Closures of the last three months are "
        "left out: it is too early.</p>"
    )
    for answer in answers:
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", key=f"hb_closure_{answer.event_id}"
        ):
            st.html(f'<p class="hb-closure"><b>{escape_html(answer.title)}:</b> {escape_html(answer.sentence)}</p>')
            st.button(
                "Show this closure",
                key=f"outcome_show_{answer.event_id}",
                on_click=_choose_closure,
                args=(answer.event_id,),
            )


def _choose_closure(event_id: str) -> None:
    st.session_state.update({"outcome_way": ONE_CLOSURE, "outcome_closure": event_id})


def draw_rule(installation: Installation, protocol: Protocol) -> bool:
    """Draw the rule and the button. True if the person has asked for the answer to this rule."""
    is_answered = st.session_state.get("outcome_looked") == protocol.hash
    lines = "".join(f"<li>{escape_html(sentence)}</li>" for sentence in describe_rule(protocol))
    with st.expander("The rule, fixed in advance", expanded=not is_answered):
        st.html(f'<ul class="hb-notes">{lines}</ul><p class="hb-small">SHA-256 of the rule: {protocol.hash}</p>')
        st.download_button(
            "Download the rule (JSON)",
            data=audit_file(installation, lambda: format_protocol(protocol), form="json", what="outcome/rule"),
            file_name=f"hexbeat-rule-{protocol.hash[:8]}.json",
            mime="application/json",
            on_click="ignore",
            key="outcome_rule",
        )
    if not is_answered:
        st.button(
            "Show what happened next",
            type="primary",
            key="outcome_look",
            on_click=_request_answer,
            args=(protocol.hash,),
        )
    return is_answered


def _request_answer(rule: str) -> None:
    st.session_state["outcome_looked"] = rule


def draw_answer(installation: Installation, protocol: Protocol) -> None:
    """Draw the sentence, the intervals, the maps, the numbers and the files."""
    costs, faults = read_usable_costs(installation.store)
    evaluation = _evaluate_cached(installation, installation.key, protocol.hash, costs, protocol)
    pounds = evaluation.cost.sentences if evaluation.cost else faults
    details = "".join(f"<li>{escape_html(sentence)}</li>" for sentence in (*pounds, *evaluation.verdict.details))
    st.html(
        f'<div aria-live="polite"><p class="hb-sentence">{escape_html(evaluation.verdict.sentence)}</p></div>'
        f"{render_meaning('outcome')}"
    )
    draw_files(installation, evaluation)
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            st.html(f'<h2 class="hb-title">Difference from what was expected</h2>{render_intervals(evaluation)}')
        with st.container(key="hb_analysis_words", width=520):
            st.html(f'<ul class="hb-notes">{details}</ul>')
    draw_before_after(installation, evaluation)
    st.html(render_table(evaluation))


def draw_files(installation: Installation, evaluation: Evaluation) -> None:
    """Draw the downloads of the answer. The policy is checked again when a file is made."""
    if not may_make(installation.viewer, "evaluation"):
        return
    mark = find_demonstration_mark(installation.columns)
    note = {"area": installation.area.title, "attribution": format_credits(installation.area)} | (
        {"demonstration": mark} if mark else {}
    )
    makers: dict[str, tuple[str, Callable[[], bytes]]] = {
        "pdf": (
            "application/pdf",
            lambda: render_evaluation_pdf(
                evaluation, installation.area, mark=mark, made_at=dt.datetime.now(installation.area.tz)
            ),
        ),
        "csv": ("text/csv", lambda: build_evaluation_csv(evaluation.effect, note=note, cost=evaluation.cost)),
        "geojson": (
            "application/geo+json",
            lambda: build_evaluation_geojson(
                evaluation.effect, evaluation.points, evaluation.verdict, note=note, cost=evaluation.cost
            ),
        ),
    }
    labels = {"pdf": "One A4 page (PDF)", "csv": "Numbers (CSV)", "geojson": "What was compared (GeoJSON)"}
    with st.container(horizontal=True, gap="small"):
        for kind, (mime, make) in makers.items():
            st.download_button(
                labels[kind],
                data=check_export(installation, make, document="evaluation", form=kind),
                file_name=f"hexbeat-{installation.area.name}-did-it-work-{evaluation.effect.protocol.hash[:8]}.{kind}",
                mime=mime,
                on_click="ignore",
                key=f"outcome_{kind}",
            )


@st.cache_resource(max_entries=16, show_spinner="Finding similar places …")
def _fix_cached_protocol(
    _installation: Installation, key: InstallationKey, today: dt.date, request: EvaluationRequest
) -> Protocol:
    del key
    return fix_protocol(
        _installation.store,
        _installation.viewer,
        _installation.columns,
        _installation.area,
        request.places,
        request.rule,
        today=today,
    )


@st.cache_resource(max_entries=8, show_spinner="Comparing …")
def _evaluate_cached(
    _installation: Installation, key: InstallationKey, rule: str, costs: Costs, _fix_cached_protocol: Protocol
) -> Evaluation:
    del key, rule
    return evaluate_protocol(
        _installation.store,
        _installation.viewer,
        _installation.columns,
        _installation.area,
        _fix_cached_protocol,
        costs=costs,
    )


def render_intervals(evaluation: Evaluation) -> str:
    """A chart with one line for each side: the interval as a bar, the estimate as a dot, zero as a line."""
    rows = build_side_rows(evaluation.effect)
    if all(math.isnan(row["low"]) for row in rows):
        return '<p class="hb-notes">Not known: there is no comparable place.</p>'
    half_width = max([1.0, *(abs(row[end]) for row in rows for end in ("low", "high") if not math.isnan(row[end]))])
    description = "; ".join(f"{row['where']}: {_describe_side(row)}" for row in rows)
    lines = "".join(_render_line(row, half_width) for row in rows)
    ends = "".join(
        f"<span>{escape_html(label)}</span>"
        for label in (_format_signed(-half_width), "as expected", _format_signed(half_width))
    )
    return (
        f'<div role="img" aria-label="{escape_html(f"Difference from what was expected. {description}")}" '
        f'style="max-width:44rem"><div style="display:flex;justify-content:space-between;margin-left:6.5rem" '
        f'class="hb-small"><span>fewer</span><span>more</span></div>{lines}<div style="display:flex;'
        f'justify-content:space-between;margin-left:6.5rem" class="hb-small">{ends}</div></div>'
    )


def _describe_side(row: dict[str, Any]) -> str:
    return (
        str(row["verdict"])
        if math.isnan(row["low"])
        else f"{_format_signed(row['difference'])} ({_format_interval(row)})"
    )


def _render_line(row: dict[str, Any], half_width: float) -> str:
    def to_percent(value: float) -> float:
        return round(50 + 48 * value / half_width, 2)

    if math.isnan(row["low"]):
        return (
            '<div style="display:flex;align-items:center;height:2rem"><div style="flex:0 0 6.5rem">'
            f'{escape_html(row["where"])}</div><div class="hb-small">{escape_html(row["verdict"])}</div></div>'
        )
    low, dot, high = (to_percent(row[name]) for name in ("low", "difference", "high"))
    return (
        '<div style="display:flex;align-items:center;height:2rem"><div style="flex:0 0 6.5rem">'
        f'{escape_html(row["where"])}</div><div style="position:relative;flex:1;height:100%;background:var(--hb-sunken,'
        'transparent)"><div style="position:absolute;left:50%;top:0;bottom:0;border-left:1px solid currentColor"></div>'
        f'<div style="{_BAR_STYLE};left:{low}%;width:{max(high - low, 0.6):.2f}%;height:0.5rem;border-radius:0.25rem;'
        f'background:var(--hb-accent);opacity:0.5"></div><div style="{_BAR_STYLE};left:{dot}%;margin-left:-0.4rem;'
        'width:0.8rem;height:0.8rem;border-radius:50%;background:var(--hb-accent)"></div></div></div>'
    )


def render_table(evaluation: Evaluation) -> str:
    """The numbers of each side."""
    head = "".join(
        f'<th scope="col"{"" if name in ("where", "verdict") else " class=hb-number"}>{escape_html(title)}</th>'
        for name, title in _TITLES.items()
    )
    body = "".join(
        f'<tr><th scope="row">{escape_html(row["where"])}</th>'
        + "".join(
            f'<td class="hb-number">{escape_html(value)}</td>'
            for value in (
                *(format_side_number(row[name]) for name in ("before", "after", "expected")),
                _format_signed(row["difference"]),
                _format_interval(row),
                f"{format_side_number(row['like_before'])}, {format_side_number(row['like_after'])}",
            )
        )
        + f"<td>{escape_html(row['verdict'])}</td></tr>"
        for row in build_side_rows(evaluation.effect)
    )
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="The comparison in numbers">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _format_interval(row: dict[str, Any]) -> str:
    ends = [_format_signed(row[end]) for end in ("low", "high")]
    return format_side_number(row["low"]) if math.isnan(row["low"]) else " to ".join(ends)


def _format_signed(value: float) -> str:
    text = format_side_number(abs(value))
    if math.isnan(value):
        return text
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return text if text == "0" else f"{sign}{text}"


def draw_before_after(installation: Installation, evaluation: Evaluation) -> None:
    """Draw two maps side by side (one below the other on a phone), which move together."""
    picture = build_picture(evaluation.effect, evaluation.points)
    scale = build_picture_scale(picture)
    shapes = _list_shapes(evaluation)
    unit = " and ".join(find_layer(name).title for name in evaluation.effect.protocol.rule.layers)
    for name, caption, values, column in zip(
        ("Before", "After"), picture.captions, (picture.before, picture.after), st.columns(2, gap="small"), strict=True
    ):
        with column:
            st.html(f'<h2 class="hb-map-title">{name} <small>{escape_html(caption)}</small></h2>')
            style = CellStyle(scale=scale, title="A cell", unit=unit)
            layer = HexLayer(picture.cells, np.asarray(values), style, layer_id="cells", fit=picture.extent)
            group = folium.FeatureGroup(name="cells")
            group.add_child(layer)
            for line in _build_outlines(shapes):
                group.add_child(line)
            key = f"outcome_{name.lower()}_{evaluation.effect.protocol.hash[:12]}"
            st_folium(
                build_base_map(installation.area, view_key=f"outcome_{evaluation.effect.protocol.hash[:12]}"),
                key=key,
                height=HEIGHT,
                use_container_width=True,
                feature_group_to_add=group,
                returned_objects=[],
            )
    st.html(
        '<p class="hb-small">Both maps have one scale. Full line: treated. Broken line: next door. Dotted: the places '
        "compared with. The table below says the same in numbers.</p>"
    )


def _list_shapes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The outlines on the map; only those of the treated places if all would be too many."""
    lines = sum(
        1 + bool(outcome.planned.ring) + len(outcome.planned.near.controls) for outcome in evaluation.effect.outcomes
    )
    if lines <= _MOST_LINES:
        return build_evaluation_shapes(evaluation.effect, evaluation.points)
    shapes = build_evaluation_shapes(evaluation.effect, evaluation.points, controls=False)
    return [shape for shape in shapes if shape["role"] == "treated"][:_MOST_LINES]


def _build_outlines(shapes: Sequence[dict[str, Any]]) -> list[folium.PolyLine]:
    """Outlines without any text, so that nothing in them can run."""
    polylines = []
    for shape in shapes:
        for part in shapely.get_parts(shape["geometry"]):
            points = [(lat, lon) for lon, lat in shapely.get_coordinates(part.exterior).round(6).tolist()]
            style = {"interactive": False, "smooth_factor": 0, **_LINE_STYLES[shape["role"]]}
            polylines.append(folium.PolyLine(points, **style))  # type: ignore[no-untyped-call]  # folium types some only
    return polylines

"""A plan on the page: the sentence, the map, each team's stops, the files, and how it was made."""

from collections.abc import Sequence
from typing import Any, Final

import folium
import numpy as np
import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit_folium import st_folium

from hexbeat.areas.area import Area
from hexbeat.areas.place_names import parse_cells
from hexbeat.dashboard.header import find_page
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.state.session import Installation
from hexbeat.documents.maps.scales import Scale, build_count_scale
from hexbeat.documents.plan.plan_files import PLAN_FILES, build_plan_file
from hexbeat.documents.plan.plan_text import describe_way, find_mark, find_pauses, format_clock
from hexbeat.operations.plans.plan import PastRow, Plan, Tour, describe_optimality, explain_past, format_part, headline
from hexbeat.operations.plans.plan_store import list_plans
from layers.access import Action, may, require
from layers.wording import escape_html, format_number, format_percent

__all__ = [
    "choose_team_style",
    "describe_past",
    "draw_plan",
    "draw_saved_plans",
    "draw_tours",
    "render_key",
    "render_tour",
]

# From Okabe and Ito 2008, darkened until white letters are legible on them (4.5 : 1). The colour-blind can distinguish
# them too.
COLOURS: Final = ("#005a8f", "#a34000", "#00694e", "#8a3a6c", "#4d4d4d", "#6b5600")
DASHES: Final = ("", "9 6", "2 6", "14 5 2 5")
_COUNTS: Final = build_count_scale(4)
VISITS: Final = Scale(
    breaks=(1.0, 2.0, 3.0),
    light=_COUNTS.light[:3],
    dark=_COUNTS.dark[:3],
    labels=("once", "twice", "three times or more"),
)
EDGE: Final = 0.004  # degrees around the tours
RECORD_ADDRESS: Final = "done"  # the page of the ledger
MOST_SAVED: Final = 30


def draw_plan(installation: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """Draw a plan: the headline first, then files, map, stops and settings."""
    mark = f'<p class="hb-notes"><b>{escape_html(find_mark(plan))}</b></p>' if plan.synthetic else ""
    title = escape_html(f"{plan.title} · plan {plan.plan_id}")
    st.html(
        f'<div aria-live="polite"><h2 class="hb-map-title">{title}</h2>'
        f'<p class="hb-sentence">{escape_html(headline(plan))}</p>'
        f'<p class="hb-notes">{escape_html(describe_past(plan))} '
        f"{escape_html(describe_optimality(plan))}</p>{mark}</div>"
    )
    if any(tour.stops for tour in plan.tours):
        draw_files(installation, plan, pages)
        with st.container(horizontal=True, key="hb_plan_body", gap="medium"):
            with st.container(key="hb_plan_map"):
                st.html(render_key(plan))
                draw_tours(installation.area, plan)
            with st.container(key="hb_plan_stops"):
                draw_teams(plan)
    with st.expander("How this plan was made, and what it cannot know"):
        items = "".join(f"<li>{escape_html(line)}</li>" for line in (*plan.notes, *plan.settings))
        st.html(f'<ul class="hb-notes">{items}</ul>')


def draw_teams(plan: Plan) -> None:
    """Draw the route and stops of each team in its tab."""
    for tab, tour in zip(st.tabs([tour.team for tour in plan.tours]), plan.tours, strict=True):
        with tab:
            st.html(f'<p class="hb-tour">{escape_html(describe_way(plan, tour))}</p>')
            st.html(render_tour(plan, tour))


def draw_files(installation: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """Draw a button for each kind of file, and the link to the page that records stops."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if done_page := find_page(pages, RECORD_ADDRESS):
            st.page_link(done_page, label="Record stops on a phone", query_params={"plan": plan.plan_id})
        if may(installation.viewer, Action.EXPORT):
            for kind, (label, mime, suffix) in PLAN_FILES.items():
                st.download_button(
                    label,
                    data=lambda kind=kind: _build_file(installation, plan, kind),  # type: ignore[misc]  # a button's own kind
                    file_name=f"hexbeat-{plan.area}-{plan.kind}-{plan.plan_id}{suffix}",
                    mime=mime,
                    on_click="ignore",
                    key=f"plan_file_{kind}",
                )


def _build_file(installation: Installation, plan: Plan, kind: str) -> bytes:
    """The file, made when its button is pressed; the policy is checked again then."""
    require(installation.viewer, Action.EXPORT)
    return build_plan_file(plan, installation.area, kind)


def draw_saved_plans(installation: Installation) -> None:
    """Draw the list of saved plans, to open one again."""
    saved = list_plans(installation.settings.home)[:MOST_SAVED]
    if not saved:
        return
    with st.expander("Earlier plans"):
        labels = {code: f"{title} ({code})" for code, title, _ in saved}
        chosen = st.selectbox(
            "Open a plan again", list(labels), index=None, key="plan_open", format_func=labels.__getitem__
        )
        if chosen and chosen != st.query_params.get("plan"):
            st.button("Open it", key="plan_open_it", on_click=_open_plan, args=(chosen,))


def _open_plan(code: str) -> None:
    st.query_params["plan"] = code


def describe_past(plan: Plan) -> str:
    """What plans like this would have caught in past weeks, beside the usual choice; "" if that is not known.

    The shares come first: the way that visits less can have the higher multiple of chance, and still catch less.
    """
    rows = plan.past.rows
    if not rows:
        return ""
    parts = [_describe_past_row(row, plan.past.whole) for row in rows]
    said = f"In past weeks{':' if rows[0].share is None else ''} {'; '.join(parts)}."
    return " ".join([said, *explain_past(rows, plan.past.whole)])


def _describe_past_row(row: PastRow, whole: str) -> str:
    rate = f"{format_number(row.pai)} times chance, {format_number(row.low)} to {format_number(row.high)}"
    if row.share is None or row.area is None:  # an older plan, which did not keep them
        return f"{row.label} {rate}"
    label = f"{row.label[:1].lower()}{row.label[1:]}{',' if ',' in row.label else ''}"
    return f"{label} held {format_percent(row.share)} of events in {format_part(row.area)} of {whole} ({rate})"


def render_tour(plan: Plan, tour: Tour) -> str:
    """A team's stops as a table with the same facts as the map; all text is escaped."""
    rows = _render_pauses(plan, tour, 0)
    for stop in tour.stops:
        rows += (
            f"<tr><th scope=row>{stop.order}</th><td>{format_clock(stop.arrive, plan)}</td>"
            f"<td>{format_clock(stop.leave, plan)}</td>"
            f"<td>{escape_html(stop.place)}</td><td>{escape_html(stop.reason)}</td></tr>"
        ) + _render_pauses(plan, tour, stop.order)
    head = "".join(f"<th scope=col>{name}</th>" for name in ("Stop", "Arrive", "Leave", "Place", "Why"))
    return (
        f'<div class="hb-scroll hb-stops" tabindex="0" role="region" aria-label="Stops of {escape_html(tour.team)}">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _render_pauses(plan: Plan, tour: Tour, order: int) -> str:
    """The breaks and waits between a stop and the next."""
    return "".join(
        f"<tr><td></td><td>{format_clock(pause.begins, plan)}</td><td>{format_clock(pause.ends, plan)}</td>"
        f"<td>{'Break' if pause.kind == 'break' else 'Free'}</td><td></td></tr>"
        for pause in find_pauses(tour, order)
    )


def choose_team_style(number: int) -> tuple[str, str]:
    """Colour and dashes (SVG's dash array, "" for a whole line) of a team, counted from 0."""
    return COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]


def draw_tours(area: Area, plan: Plan, *, height: int = 540) -> None:
    """Draw the map of the plan here on the page. It shows only our own numbers, never text from data."""
    group = folium.FeatureGroup(name="tours")
    group.add_child(_build_cells(plan))
    for number, tour in enumerate(plan.tours):
        colour, dashes = choose_team_style(number)
        for line in (_build_line(tour, "#ffffff", 7, None), _build_line(tour, colour, 3, dashes or None)):
            group.add_child(line)
    for number, tour in enumerate(plan.tours):
        for (lat, lon), orders in _group_by_place(tour).items():
            group.add_child(_build_mark(lat, lon, ", ".join(orders), choose_team_style(number)[0]))
    for tour in plan.tours[:1]:
        group.add_child(_build_mark(tour.start.lat, tour.start.lon, "S", "#1b2027"))
    st_folium(
        build_base_map(area, view_key=f"plan-{plan.plan_id}"),
        key=f"plan_map_{plan.plan_id}",
        height=height,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )


def render_key(plan: Plan) -> str:
    """The key of the map: each team with its line."""
    items = []
    for number, tour in enumerate(plan.tours, start=1):
        colour, dashes = choose_team_style(number - 1)
        style = "solid" if not dashes else "dotted" if dashes.startswith("2") else "dashed"
        line = f'<span aria-hidden="true" style="border-top: 4px {style} {colour}"></span>'
        items.append(f"<li>{line} {plan.tours[number - 1].team}: {len(tour.stops)} stops</li>")
    return f'<ul class="hb-plan-key" aria-label="Lines on the map">{"".join(items)}</ul>'


def _build_cells(plan: Plan) -> HexLayer:
    """The cells of the stops, coloured by the number of visits; the map moves to the tours."""
    cells, times = np.unique([stop.cell for tour in plan.tours for stop in tour.stops], return_counts=True)
    points = [(stop.lon, stop.lat) for tour in plan.tours for stop in tour.stops]
    points += [(tour.start.lon, tour.start.lat) for tour in plan.tours]
    lon, lat = np.array(points).T
    return HexLayer(
        parse_cells(cells.tolist()),
        times,
        CellStyle(scale=VISITS, title="Visits to a place", unit="Visits"),
        layer_id="plan",
        fit=(float(lon.min()) - EDGE, float(lat.min()) - EDGE, float(lon.max()) + EDGE, float(lat.max()) + EDGE),
    )


def _group_by_place(tour: Tour) -> dict[tuple[float, float], list[str]]:
    """The numbers of the stops at each place, because the mark of a second visit would hide the first."""
    orders: dict[tuple[float, float], list[str]] = {}
    for stop in tour.stops:
        orders.setdefault((stop.lat, stop.lon), []).append(str(stop.order))
    return orders


def _build_line(tour: Tour, colour: str, weight: int, dashes: str | None) -> Any:
    places = [(tour.start.lat, tour.start.lon), *((stop.lat, stop.lon) for stop in tour.stops)]
    places.append((tour.finish.lat, tour.finish.lon))
    style = {"color": colour, "weight": weight, "opacity": 0.9, "dash_array": dashes, "interactive": False}
    return folium.PolyLine(places, **style)  # type: ignore[no-untyped-call]  # folium types some of its classes only


def _build_mark(lat: float, lon: float, label: str, colour: str) -> Any:
    """A small disc with the numbers of stops; the table beside the map says the same."""
    width = 22 + 6 * max(0, len(label) - 2)
    style = (
        f"background:{colour};color:#fff;border:1.5px solid #fff;border-radius:11px;width:{width}px;height:22px;"
        "box-sizing:border-box;font:600 11px/19px system-ui,sans-serif;text-align:center;white-space:nowrap"
    )
    icon = folium.DivIcon(
        icon_size=(width, 22),
        icon_anchor=(width // 2, 11),
        class_name="hb-stop",
        html=f'<div style="{style}">{label}</div>',
    )
    return folium.Marker((lat, lon), icon=icon, interactive=False, keyboard=False)

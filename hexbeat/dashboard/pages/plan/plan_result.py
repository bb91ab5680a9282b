"""A plan on the page: the sentence, the map, each team's stops, the files, and how it was made."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hexbeat.dashboard.audit import audit_file
from hexbeat.dashboard.header import find_page
from hexbeat.dashboard.map.tour_map import choose_team_style, draw_tours
from hexbeat.dashboard.screen import check_export
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.stop_links import draw_tour_links
from hexbeat.documents.plan.plan_files import PLAN_FILES, build_plan_file
from hexbeat.documents.plan.plan_text import describe_way, find_mark, find_pauses, format_clock
from hexbeat.documents.plan.plan_tracks import build_plan_gpx
from hexbeat.operations.plans.plan import PastRow, Plan, Tour, describe_optimality, explain_past, format_part, headline
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.operations.plans.plan_store import list_plans
from layers.access import may_make, require_document
from layers.wording import escape_html, format_number, format_percent

__all__ = [
    "describe_past",
    "draw_plan",
    "draw_saved_plans",
    "render_key",
    "render_tour",
]

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
        draw_files(installation, plan)
        with st.container(horizontal=True, key="hb_plan_body", gap="medium"):
            with st.container(key="hb_plan_map"):
                st.html(render_key(plan))
                draw_tours(installation.area, plan)
            with st.container(key="hb_plan_stops"):
                draw_teams(installation, plan, pages)
    with st.expander("How this plan was made, and what it cannot know"):
        items = "".join(f"<li>{escape_html(line)}</li>" for line in (*plan.notes, *plan.settings))
        st.html(f'<ul class="hb-notes">{items}</ul>')


def draw_teams(installation: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """Draw the route and stops of each team in its tab, with its own page, file and links."""
    for tab, tour in zip(st.tabs([tour.team for tour in plan.tours]), plan.tours, strict=True):
        with tab:
            st.html(f'<p class="hb-tour">{escape_html(describe_way(plan, tour))}</p>')
            st.html(render_tour(plan, tour))
            draw_team_files(installation, plan, tour, pages)
            draw_tour_links(installation, tour.stops)


def draw_team_files(installation: Installation, plan: Plan, tour: Tour, pages: Sequence[StreamlitPage]) -> None:
    """Draw the link to the page that records a team's stops, and its GPX, with no other team's route in it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if done_page := find_page(pages, RECORD_ADDRESS):
            label = f"Record the stops of {tour.team} on a phone"
            st.page_link(done_page, label=label, query_params={"plan": plan.plan_id, "team": tour.team})
        if may_make(installation.viewer, "plan"):
            st.download_button(
                f"GPX of {tour.team}",
                data=check_export(
                    installation,
                    lambda: build_plan_gpx(plan, installation.area, team=tour.team),
                    document="plan",
                    form="gpx",
                ),
                file_name=f"hexbeat-{plan.area}-{plan.kind}-{plan.plan_id}-{tour.team.lower().replace(' ', '-')}.gpx",
                mime=PLAN_FILES["gpx"][1],
                on_click="ignore",
                key=f"plan_gpx_{plan.plan_id}_{tour.team}",
            )


def draw_files(installation: Installation, plan: Plan) -> None:
    """Draw a button for each kind of file of the whole plan; each team has its GPX beside its stops."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if may_make(installation.viewer, "plan"):
            for kind, (label, mime, suffix) in PLAN_FILES.items():
                if kind == "gpx":
                    continue
                st.download_button(
                    label,
                    data=audit_file(installation, partial(_build_file, installation, plan, kind), form=kind),
                    file_name=f"hexbeat-{plan.area}-{plan.kind}-{plan.plan_id}{suffix}",
                    mime=mime,
                    on_click="ignore",
                    key=f"plan_file_{kind}",
                )


def _build_file(installation: Installation, plan: Plan, kind: str) -> bytes:
    """The file, made when its button is pressed; the policy is checked again then."""
    require_document(installation.viewer, "plan")
    links = read_plan_settings(installation.documents).links
    return build_plan_file(plan, installation.area, kind, links=links)


def draw_saved_plans(installation: Installation) -> None:
    """Draw the list of saved plans, to open one again."""
    saved = list_plans(installation.documents)[:MOST_SAVED]
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


def render_key(plan: Plan) -> str:
    """The key of the map: each team with its line."""
    items = []
    for number, tour in enumerate(plan.tours, start=1):
        colour, dashes = choose_team_style(number - 1)
        style = "solid" if not dashes else "dotted" if dashes.startswith("2") else "dashed"
        line = f'<span aria-hidden="true" style="border-top: 4px {style} {colour}"></span>'
        items.append(f"<li>{line} {plan.tours[number - 1].team}: {len(tour.stops)} stops</li>")
    return f'<ul class="hb-plan-key" aria-label="Lines on the map">{"".join(items)}</ul>'

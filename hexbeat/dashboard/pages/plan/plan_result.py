"""A plan on the page: the sentence, the map, each team's stops, the files, and how it was made."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError, UsageError
from hexbeat.dashboard.audit import audit_change, audit_file
from hexbeat.dashboard.header import find_page
from hexbeat.dashboard.map.tour_map import choose_team_style, draw_tours
from hexbeat.dashboard.screen import check_export, draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.dashboard.stop_links import draw_tour_links
from hexbeat.documents.plan.plan_files import PLAN_FILES, build_plan_file
from hexbeat.documents.plan.plan_text import (
    describe_way,
    find_mark,
    find_pauses,
    format_clock,
    has_own_start,
    is_spread,
)
from hexbeat.documents.plan.plan_tracks import build_days_gpx
from hexbeat.operations.ledger.ledger import read_visits
from hexbeat.operations.plans.patrol import PatrolChoices, backtest_plan
from hexbeat.operations.plans.plan import (
    PastRow,
    Plan,
    PlanKind,
    Tour,
    describe_optimality,
    explain_past,
    format_part,
    headline,
)
from hexbeat.operations.plans.plan_access import list_visible_plans, require_plan
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.operations.plans.plan_store import (
    issue_plan,
    list_series,
    save_plan,
    withdraw_plan,
)
from hexbeat.store.shared_documents import SharedDocuments
from layers.access import Action, may_make, require, require_document
from layers.wording import escape_html, format_date, format_number, format_percent, format_plural

__all__ = [
    "describe_past",
    "draw_plan",
    "draw_saved_plans",
    "remember_choices",
    "render_key",
    "render_tour",
    "render_untested",
]

RECORD_ADDRESS: Final = "done"  # the page of the ledger
MOST_SAVED: Final = 30
ERROR_KEY: Final = "plan_error"
CHOICES_KEY: Final = "plan_choices"  # of the plans that this session made, by their codes


def draw_plan(installation: Installation, plan: Plan, pages: Sequence[StreamlitPage]) -> None:
    """Draw a plan: the headline first, then the button that issues it, the map, the stops and the files."""
    mark = f'<p class="hb-notes"><b>{escape_html(find_mark(plan))}</b></p>' if plan.synthetic else ""
    title = escape_html(f"{plan.title} · plan {plan.plan_id}")
    st.html(
        f'<div aria-live="polite"><h2 class="hb-map-title">{title}</h2>'
        f'<p class="hb-sentence">{escape_html(headline(plan))}</p>{render_untested(plan)}{mark}</div>'
    )
    days = list_series(installation.documents, plan)
    if len(days) > 1:
        draw_days(plan, days)
    draw_issue(installation, plan, days)
    if any(tour.stops for tour in plan.tours):
        with st.container(horizontal=True, key="hb_plan_body", gap="medium"):
            with st.container(key="hb_plan_map"):
                st.html(render_key(plan))
                draw_tours(installation.area, plan)
            with st.container(key="hb_plan_stops"):
                draw_teams(installation, plan, days, pages)
        draw_files(installation, plan)
    with st.expander("How good is this plan?"):
        draw_quality(installation, plan)


def render_untested(plan: Plan) -> str:
    """That the share in the headline is a forecast and not what such plans held in past weeks; "" where it is not."""
    is_forecast = plan.kind == PlanKind.PATROL and plan.worth.expected > 0 and not (plan.by_month or plan.ranks_only)
    if not is_forecast or plan.past.held is not None:
        return ""
    return (
        '<p class="hb-notes">Such forecasts are usually too high. At the foot of this page, such plans are tested '
        "against the last 8 weeks.</p>"
    )


def draw_days(plan: Plan, days: Sequence[Plan]) -> None:
    """Draw the choice among the days that were planned together."""
    labels = {day.plan_id: f"{day.begins:%a} {day.begins.day} {day.begins:%b}" for day in days}

    def open_day() -> None:
        plan_id = st.session_state.get(f"plan_day_{plan.series}")
        if plan_id:
            st.query_params["plan"] = plan_id

    st.segmented_control(
        "Day", list(labels), default=plan.plan_id, required=True, key=f"plan_day_{plan.series}",
        format_func=labels.__getitem__, on_change=open_day,
    )  # fmt: skip


def draw_issue(installation: Installation, plan: Plan, days: Sequence[Plan]) -> None:
    """Draw whether the plan is work to do, and the button that makes it so or takes it back."""
    with st.container(horizontal=True, key="hb_plan_issue", gap="small", vertical_alignment="center"):
        arguments = (installation, days)
        whole = "the plan" if len(days) == 1 else f"the plans of all {len(days)} days"
        if plan.issued_at:
            issued_at = plan.issued_at.astimezone(installation.area.tz)
            st.text(f"Issued on {format_date(issued_at.date())} at {issued_at:%H:%M}.")
            st.button("Withdraw it", key="plan_withdraw", on_click=withdraw, args=arguments)
        else:
            st.button(f"Issue {whole}", key="plan_issue", type="primary", on_click=issue, args=arguments)
            st.text("Only tried so far. The return counts it once you issue it, or somebody records a visit.")
    error = st.session_state.pop(ERROR_KEY, None)
    if error:
        draw_error(error)


def issue(installation: Installation, days: Sequence[Plan]) -> None:
    """Issue a plan, or all plans of a series; what the policy or the store refuses is shown."""
    _change_all(installation, days, "plan/issue", issue_plan)


def withdraw(installation: Installation, days: Sequence[Plan]) -> None:
    """Take plans back, unless somebody has recorded a visit of one."""

    def check_and_withdraw(documents: SharedDocuments, plan_id: str) -> None:
        visits = len(read_visits(installation.store, installation.viewer, plan_id=plan_id))
        if visits:
            raise UsageError(
                "A plan with recorded visits stays issued, because the return compares them with it",
                f"plan {plan_id} has {format_plural(visits, 'visit', 'visits')}",
                "undo the visits first on the page Record work",
            )
        withdraw_plan(documents, plan_id)

    _change_all(installation, days, "plan/withdraw", check_and_withdraw)


def _change_all(
    installation: Installation,
    days: Sequence[Plan],
    what: str,
    change: Callable[[SharedDocuments, str], object],
) -> None:
    try:
        for plan in days:
            with audit_change(installation, action=Action.PLAN, what=what, kind=str(plan.kind)) as deed:
                require_plan(installation.viewer, plan)
                change(installation.documents, plan.plan_id)
                deed.rows = sum(len(tour.stops) for tour in plan.tours)
    except HexbeatError as error:
        st.session_state[ERROR_KEY] = error


def draw_teams(installation: Installation, plan: Plan, days: Sequence[Plan], pages: Sequence[StreamlitPage]) -> None:
    """Draw the route and stops of each team in its tab, with its own page, file and links."""
    places = st.tabs([tour.team for tour in plan.tours]) if len(plan.tours) > 1 else [st.container()]
    for place, tour in zip(places, plan.tours, strict=True):
        with place:
            st.html(f'<p class="hb-tour">{escape_html(describe_way(plan, tour))}</p>')
            st.html(render_tour(plan, tour))
            draw_team_files(installation, plan, tour, days, pages)
            draw_tour_links(installation, tour.stops)


def draw_quality(installation: Installation, plan: Plan) -> None:
    """Draw how well such plans did in past weeks, how the plan was made, and what it cannot know."""
    choices = st.session_state.get(CHOICES_KEY, {}).get(plan.plan_id)
    sentences = [describe_past(plan), describe_optimality(plan)]
    st.html("".join(f'<p class="hb-notes">{escape_html(text)}</p>' for text in sentences if text))
    if choices is not None and not plan.past.rows and not plan.by_month:
        st.text("This plan was made quickly: its places were not tested against past weeks yet.")
        if st.button("Test it against the last 8 weeks", key="plan_test"):
            backtest(installation, plan, choices)
    items = "".join(f"<li>{escape_html(line)}</li>" for line in (*plan.notes, *plan.settings))
    st.html(f'<ul class="hb-notes">{items}</ul>')


def remember_choices(plan: Plan, choices: PatrolChoices) -> None:
    """Keep the choices of a plan in this session, so that the plan can be tested later."""
    st.session_state[CHOICES_KEY] = {**st.session_state.get(CHOICES_KEY, {}), plan.plan_id: choices}


def backtest(installation: Installation, plan: Plan, choices: PatrolChoices) -> None:
    """Test plans like this one against past weeks, and keep the result with the plan."""
    try:
        with st.spinner("Testing such plans against past weeks …"):
            require(installation.viewer, Action.PLAN)
            tested_plan = backtest_plan(
                plan, installation.columns, installation.area, choices, documents=installation.documents
            )
            save_plan(installation.documents, tested_plan, time_zone=installation.area.time_zone)
    except HexbeatError as error:
        draw_error(error)
        return
    others = {
        code: plan_choices for code, plan_choices in st.session_state[CHOICES_KEY].items() if code != plan.plan_id
    }
    st.session_state[CHOICES_KEY] = others  # where no past week can be tested, the button would stay
    st.rerun()


def draw_team_files(
    installation: Installation, plan: Plan, tour: Tour, days: Sequence[Plan], pages: Sequence[StreamlitPage]
) -> None:
    """Draw the link to the page that records a team's stops, and its GPX, with no other team's route in it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if done_page := find_page(pages, RECORD_ADDRESS):
            label = f"Record the stops of {tour.team} on a phone"
            st.page_link(done_page, label=label, query_params={"plan": plan.plan_id, "team": tour.team})
        if may_make(installation.viewer, "plan"):
            team = tour.team.lower().replace(" ", "-")
            for label, code, of_days in (
                (f"GPX of {tour.team}", plan.plan_id, [plan]),
                *([(f"GPX of {tour.team}, all days", plan.series, days)] if len(days) > 1 else []),
            ):
                st.download_button(
                    label,
                    data=check_export(
                        installation,
                        partial(build_days_gpx, of_days, installation.area, team=tour.team),
                        document="plan",
                        form="gpx",
                    ),
                    file_name=f"hexbeat-{plan.area}-{plan.kind}-{code}-{team}{'-days' * (len(of_days) > 1)}.gpx",
                    mime=PLAN_FILES["gpx"][1],
                    on_click="ignore",
                    key=f"plan_gpx_{code}_{tour.team}_{len(of_days)}",
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
    plans, _ = list_visible_plans(installation.documents, installation.viewer)
    if not plans:
        return
    with st.expander("Earlier plans"):
        labels = {
            plan.plan_id: f"{plan.title} ({plan.plan_id}{', issued' if plan.issued_at else ''})"
            for plan in plans[:MOST_SAVED]
        }
        plan_id = st.selectbox(
            "Open a plan again", list(labels), index=None, key="plan_open", format_func=labels.__getitem__
        )
        if plan_id and plan_id != st.query_params.get("plan"):
            st.button("Open it", key="plan_open_it", on_click=_open_plan, args=(plan_id,))


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
    sentence = f"In past weeks{':' if rows[0].share is None else ''} {'; '.join(parts)}."
    return " ".join([sentence, *explain_past(rows, plan.past.whole)])


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
        if pause.kind == "break" or not is_spread(tour)
    )


def render_key(plan: Plan) -> str:
    """The key of the map: each team with its line, what the numbers are, and where tours start if somebody chose."""
    items = []
    for number, tour in enumerate(plan.tours):
        colour, dashes = choose_team_style(number)
        style = "solid" if not dashes else "dotted" if dashes.startswith("2") else "dashed"
        line = f'<span aria-hidden="true" style="border-top: 4px {style} {colour}"></span>'
        stops = format_plural(len(tour.stops), "stop", "stops")
        items.append(f"<li>{line} {escape_html(tour.team)}: {stops}, numbered in order</li>")
    if any(map(has_own_start, plan.tours[:1])):
        items.append('<li><b aria-hidden="true">S</b> start</li>')
    return f'<ul class="hb-plan-key" aria-label="Marks on the map">{"".join(items)}</ul>'

"""The header of every page: area, jobs and their pages, coverage of each layer, role, and the demonstration mark."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final
from urllib.parse import urlsplit

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.errors import HexbeatError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.dashboard.audit import audit_change
from hexbeat.dashboard.news import draw_news
from hexbeat.dashboard.state.freshness import Freshness, describe_old_records, format_freshness
from hexbeat.dashboard.state.login import ROLE_KEY, Login
from hexbeat.dashboard.state.session import Installation, find_freshness
from hexbeat.store.audit_deeds import CHOOSE_ROLE
from layers.catalogue import LAYERS
from layers.wording import escape_html

__all__ = [
    "HOME",
    "JOBS",
    "READ_TITLE",
    "draw_any_old_records",
    "draw_header",
    "draw_old_records",
    "find_page",
    "list_jobs",
    "render_facts",
    "render_old_records",
]

HOME: Final = ""  # Streamlit's address of the page that opens first
# The titles of the pages of each job, the first of which opens with it.
JOBS: Final = {
    "Map": ("Map", "Analysis"),
    "Plan and record": ("Plan", "Record work"),
    "Report": ("Briefing", "Evidence", "Did it work?", "Naloxone"),
    "Data": ("Data", "Audit"),
}
READ_TITLE: Final = "How to read this"  # beside the jobs, from everywhere
# What the first page of a job is called beside the others of it, where its title is the job's.
_VIEW_LABELS: Final = {"Map": "The map", "Data": "Load and check"}


def list_jobs(pages: Iterable[StreamlitPage]) -> dict[str, list[StreamlitPage]]:
    """The pages of each job that has any. A job of one page alone has the title of that page."""
    by_title = {page.title: page for page in pages}
    jobs = {job: [by_title[title] for title in titles if title in by_title] for job, titles in JOBS.items()}
    return {(job if len(own) > 1 else own[0].title): own for job, own in jobs.items() if own}


def find_page(pages: Iterable[StreamlitPage], address: str) -> StreamlitPage | None:
    """The page of an address (HOME for the first); None if no page has it."""
    return next((page for page in pages if page.url_path == address), None)


def draw_header(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the header: one line at a desk. On a phone the pages are in a menu that names the open one."""
    with st.container(horizontal=True, key="hb_header", vertical_alignment="center", gap="small"):
        st.html(f"<h1><b>Hexbeat</b> · {escape_html(installation.area.title)}</h1>", width="content")
        draw_pages(pages)
        facts = render_facts(
            {
                name: freshness
                for name, freshness in find_freshness(installation).items()
                if not installation.columns.hides(name)
            },
            today=installation.today,
            login=installation.login,
            mark=find_demonstration_mark(installation.columns),
        )
        st.html(facts, width="stretch")
        draw_role_choice(installation)
    draw_news(installation)


def draw_pages(pages: Sequence[StreamlitPage]) -> None:
    """Draw the jobs, and beside them the pages of the job that is open. On a phone all of it is behind one button."""
    title = find_title(st.context.url, {page.url_path: page.title for page in pages})
    # The style sheet shows the pages while this is open, so that a tap causes no run of the script.
    summary = f'<summary><span class="hb-sr">Pages: </span>{escape_html(title)}</summary>'
    st.html(f'<details class="hb-menu">{summary}</details>', width="content")
    jobs = list_jobs(pages)
    current = next((job for job, own in jobs.items() if title in {page.title for page in own}), "")
    with st.container(horizontal=True, key="hb_pages", gap=None, width="content"):
        for number, (job, own) in enumerate(jobs.items()):
            with st.container(key="hb_job_open" if job == current else f"hb_job_{number}", width="content"):
                st.page_link(own[0], label=job)
        for page in pages:
            if page.title == READ_TITLE:
                with st.container(key="hb_read", width="content"):
                    st.page_link(page)
    if len(views := jobs.get(current, [])) > 1:
        with st.container(horizontal=True, key="hb_views", gap=None, width="content"):
            for page in views:
                st.page_link(page, label=_VIEW_LABELS.get(page.title, page.title))


def draw_role_choice(installation: Installation) -> None:
    """Let a person with several roles choose one, from the one that sees least on."""
    login = installation.login
    if len(login.roles) > 1:
        st.selectbox(
            "Role",
            login.roles,
            key=ROLE_KEY,
            index=login.roles.index(login.viewer.role),
            label_visibility="collapsed",
            on_change=write_role_choice,
            args=(installation,),
        )


def write_role_choice(installation: Installation) -> None:
    """Write into the audit trail which role was chosen; it stays the one before if that cannot be written."""
    try:
        with audit_change(installation, action=CHOOSE_ROLE, what=f"role {st.session_state[ROLE_KEY]}"):
            pass
    except HexbeatError:
        st.session_state[ROLE_KEY] = installation.login.viewer.role


def draw_old_records(installation: Installation, layers: Sequence[str], wards: tuple[str, ...] = ()) -> None:
    """Say first and large that the records of these layers and wards end long ago; nothing if they do not."""
    sentences = describe_old_records(find_freshness(installation, wards), layers=layers, today=installation.today)
    if sentences:
        st.html(render_old_records(sentences))


def draw_any_old_records(installation: Installation, wards: tuple[str, ...] = ()) -> None:
    """The same for every layer that has records, on pages that speak of all of them."""
    freshness = find_freshness(installation, wards)
    draw_old_records(installation, [name for name, layer in freshness.items() if layer.last], wards)


def render_old_records(sentences: Sequence[str]) -> str:
    """The sentences, and what follows from them."""
    return (
        f'<div class="hb-old" role="note"><p><b>{escape_html(" ".join(sentences))}</b></p>'
        "<p>What these records show is of that time and not of today. They raise no alerts.</p></div>"
    )


def find_title(url: str | None, titles: Mapping[str, str]) -> str:
    """The title of the page at an address; `titles` by the last part of the address. The first if none fits."""
    last_part = urlsplit(url or "").path.rpartition("/")[2]
    return titles.get(last_part) or next(iter(titles.values()), "Menu")


def render_facts(freshness: Mapping[str, Freshness], *, today: date, login: Login, mark: str | None) -> str:
    """A list: the newest records, layers of the same day together; role and person; the mark of synthetic events."""
    layers: dict[str, list[str]] = {}
    for spec in (spec for spec in LAYERS if spec.name in freshness):
        layers.setdefault(format_freshness(freshness[spec.name], today=today), []).append(spec.short)
    items = [f"<li>{', '.join(names)} <b>{text}</b></li>" for text, names in layers.items()]
    items.append(f"<li>role <b>{escape_html(login.viewer.role)}</b></li>")
    if login.key:
        # Not a button of Streamlit: it leaves the page, so that nothing of it stays in the window.
        link = '<a href="/sign-out" target="_self">Sign out</a>'
        items.append(f'<li class="hb-person"><b>{escape_html(login.name)}</b> {link}</li>')
    if mark:
        title = escape_html(f"DEMONSTRATION: {mark}")
        items.append(f'<li class="hb-badge" title="{title}">DEMONSTRATION<span>: {escape_html(mark)}</span></li>')
    return f'<ul class="hb-facts" aria-label="Newest records, your role and your name">{"".join(items)}</ul>'

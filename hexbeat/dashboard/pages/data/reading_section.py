"""How a file is read: what was understood, what is not certain, and columns that a person may add with one click."""

import re
from collections.abc import Sequence
from typing import Final

import streamlit as st

from hexbeat.dashboard.pages.data.quality_tables import render_table
from hexbeat.dashboard.state.session import Installation
from hexbeat.ingest.sources import (
    ColumnRoles,
    SourceProfile,
    assign_columns,
    list_profiles,
    list_unusable_profiles,
    save_profile,
)
from hexbeat.ingest.suggestions import Suggestion, add_date_to_key
from hexbeat.ingest.unused_columns import UnusedColumn, describe_offer, use_columns
from layers.wording import escape_html, format_list

__all__ = [
    "CHECK",
    "SAVED_KEY",
    "assign_suggested_columns",
    "choose_name",
    "describe_reading",
    "draw_reading",
    "draw_unusable",
    "list_doubts",
    "render_points",
    "save_dated_source",
]

SAVED_KEY: Final = "upload_saved"  # the name of a source that was just saved, which is chosen next
CHECK: Final = "CHECK: "


def draw_unusable(installation: Installation) -> None:
    """Say which of the user's own sources cannot be used, and why. The others work."""
    for profile in list_unusable_profiles(installation.documents):
        sentence = f"The source \u201c{profile.name}\u201d cannot be used. {profile.reason} All others work."
        st.html(f'<p class="hb-small">{escape_html(sentence)}</p>')


def assign_suggested_columns(suggestion: Suggestion, source: SourceProfile) -> ColumnRoles:
    """The columns of the suggestion's file by their part in a source; DataError if the source does not fit."""
    headings = [guess.column for guess in suggestion.columns]
    return assign_columns(source, headings, name=suggestion.file, has_layer=True)


def draw_reading(installation: Installation, suggestion: Suggestion, source: SourceProfile) -> None:
    """Draw what a source reads from the file, what to check, and the columns that it could read too.

    DataError if the source does not fit the file.
    """
    plan = assign_suggested_columns(suggestion, source)
    understood, unread = describe_reading(plan, [guess.column for guess in suggestion.columns])
    doubts = list_doubts(suggestion)
    if not plan.key:
        understood.append("No column is an identifier: place, date and content tell the rows apart")
    parts = [render_points("Understood", understood)]
    if doubts and source.name == suggestion.source:
        parts.append(render_points("Not certain", doubts))
    if unread:
        parts.append(render_points("Not read", [format_list(unread)]))
    st.html("".join(parts))
    offers = [
        column for column in suggestion.unused
        if column.part and column.column not in plan.columns and not getattr(plan, column.part)
    ]  # fmt: skip
    for column in offers:
        draw_offer(installation, suggestion, source, column)
    with st.expander("Samples of each column"):
        roles = dict(list_roles(plan))
        rows = [
            (guess.column, roles.get(guess.column, "not read"), ", ".join(guess.samples))
            for guess in suggestion.columns
        ]
        st.html(render_table(("Column", "Read as", "Samples"), rows, caption=f"Columns of {suggestion.file}"))


def list_doubts(suggestion: Suggestion) -> list[str]:
    """What the suggestion asks a person to check; a sentence that begins with a heading keeps its first letter."""
    doubts = [reason.removeprefix(CHECK) for reason in suggestion.reasons if reason.startswith(CHECK)]
    headings = tuple(guess.column for guess in suggestion.columns)
    return [doubt if doubt.startswith(headings) else doubt[:1].upper() + doubt[1:] for doubt in doubts]


def draw_offer(installation: Installation, suggestion: Suggestion, source: SourceProfile, column: UnusedColumn) -> None:
    """Draw a column that the source could read too, and the button that makes a source which does."""
    with st.container(border=True, gap="small", key=f"hb_offer_{column.part}"):
        st.text(f"{describe_offer(column)}. Use it? The source \u201c{source.name}\u201d does not read it.")
        name = choose_name(installation, suggestion)
        is_pressed = st.button(
            "Use this column", key=f"upload_use_{column.part}", help=f"Makes a source of its own: {name}."
        )
    if is_pressed:
        save_profile(use_columns(source, [column], name=name), installation.documents, is_new=True)
        st.session_state[SAVED_KEY] = name
        st.rerun()


def save_dated_source(installation: Installation, suggestion: Suggestion, source: SourceProfile) -> str:
    """Save a source in which identifier and date together are the key, and return its name; it is chosen next."""
    name = choose_name(installation, suggestion)
    plan = assign_suggested_columns(suggestion, source)
    save_profile(add_date_to_key(source, plan, name=name), installation.documents, is_new=True)
    st.session_state[SAVED_KEY] = name
    return name


def choose_name(installation: Installation, suggestion: Suggestion) -> str:
    """A name for a new source after the file, which no other source has."""
    taken_names = {profile.name for profile in list_profiles(installation.documents)}
    taken_names |= {profile.name for profile in list_unusable_profiles(installation.documents)}
    stem = re.sub(r"[^a-z0-9]+", "-", suggestion.file.rsplit(".", 1)[0].lower()).strip("-")[:36] or "new-source"
    return next(
        name for name in (stem, *(f"{stem}-{number}" for number in range(2, 10_000))) if name not in taken_names
    )


def describe_reading(plan: ColumnRoles, headings: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the plan reads, as in "The place: lat and lon", and the columns that it does not read."""
    columns: dict[str, list[str]] = {}
    for heading, role in list_roles(plan):
        columns.setdefault(role, []).append(heading)
    understood = [f"{role[:1].upper()}{role[1:]}: {format_list(names)}" for role, names in columns.items()]
    return understood, [name for name in headings if name not in plan.columns]


def list_roles(plan: ColumnRoles) -> list[tuple[str, str]]:
    """Each heading that is read, with what it is to a person."""
    place = [*(plan.lon_lat or ()), *(plan.x_y or ()), plan.grid_ref, plan.lat_lon]
    address = "the place of rows without coordinates" if plan.has_coordinates else "the place"
    when = [*plan.start, plan.clock, plan.precision]
    parts: list[tuple[Sequence[str | None], str]] = [
        ([plan.layer], "the layer"),
        (place, "the place"),
        (plan.address_columns, address),
        (when, "when it happened"),
        ([plan.end], "when it ended"),
        ([plan.quantity], "how many"),
        (plan.key, "the identifier"),
        ([plan.category], "the category"),
        ([plan.status], "the status"),
        ([plan.reported_by], "who reported it"),
        ([plan.note], "the note"),
        ([part for part in plan.scope if not part.startswith("file:")], "the part of the source"),
        ([name for name, _ in (*plan.keep, *plan.drop, *plan.tests, *plan.doubtful)], "which rows count"),
    ]
    return [(heading, role) for headings, role in parts for heading in dict.fromkeys(headings) if heading]


def render_points(title: str, points: Sequence[str]) -> str:
    """A small heading and a list of plain texts."""
    items = "".join(f"<li>{escape_html(point)}</li>" for point in points)
    return f'<h3 class="hb-points">{escape_html(title)}</h3><ul class="hb-points">{items}</ul>'

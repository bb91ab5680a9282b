"""Buttons that open a stop in a map: the phone's own, and the service that the settings name."""

from collections.abc import Sequence

import streamlit as st

from geo.errors import DataError
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.plans.plan import Stop
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.operations.plans.stop_links import NO_LINKS, StopLinks, build_geo_link, build_web_link

__all__ = ["draw_tour_links", "read_links"]


def draw_tour_links(installation: Installation, stops: Sequence[Stop]) -> None:
    """Draw a folded list of buttons, one a stop and kind of link; nothing where the settings allow no links."""
    links = read_links(installation)
    if not stops or links == NO_LINKS:
        return
    with st.expander("Open a stop in a map"):
        if links.geo:
            st.text("In the phone's own map:")
            _draw_row([(f"Stop {stop.order}", build_geo_link(stop, links) or "") for stop in stops])
        web = [(stop.order, *link) for stop in stops if (link := build_web_link(stop, links))]
        if web:
            st.text(f"At {web[0][1]}, which learns the place that you open:")
            _draw_row([(f"Stop {order} at {service}", address) for order, service, address in web])


def _draw_row(rows: Sequence[tuple[str, str]]) -> None:
    with st.container(horizontal=True, gap="small"):
        for label, address in rows:
            st.link_button(label, address)


def read_links(installation: Installation) -> StopLinks:
    """The links that the settings allow; none where the settings cannot be read, which is said."""
    try:
        return read_plan_settings(installation.documents).links
    except DataError as error:
        draw_error(error)
        return NO_LINKS

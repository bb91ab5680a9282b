"""The box in which a person names a place: a street, a postcode, a school, coordinates. Nothing typed is kept."""

from typing import Final

import streamlit as st

from hexbeat.areas.area import Area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.place_finder import FoundPlace, find_places, format_found

__all__ = ["draw_place_box"]

_MOST_OFFERED: Final = 6
_EXAMPLE: Final = "Street, postcode, school or 54.574, -1.235"


def draw_place_box(area: Area, label: str, *, key: str, width: int = 320) -> FoundPlace | None:
    """Draw the box, and the choice where several places fit; the place chosen, or None, with the reason on the page.

    Of several places the one that fits best is chosen until the person takes another.
    """
    words = st.text_input(label, key=f"{key}_words", placeholder=_EXAMPLE, max_chars=200, width=width)
    if not words.strip():
        return None
    found = find_places(words, area, limit=_MOST_OFFERED)
    if found.empty:
        st.text(f"No place in {area.title} fits. Try fewer words, or part of a name.")
        return None
    # Two places may have one label, as two stops of one name in a ward do: the first of them stands for both.
    places = {format_found(row): row for row in reversed(found.to_dict("records"))}
    labels = list(reversed(places))
    chosen = labels[0]
    if len(labels) > 1:
        chosen = st.radio("Which one?", labels, key=f"{key}_choice_{words.strip().casefold()}")
    row = places[chosen]
    gazetteer = read_gazetteer(area)
    if gazetteer is not None and row["kind"] not in ("ward", "cell", "point"):
        st.caption(f"Names: {'; '.join(gazetteer.attributions)}")
    return FoundPlace(chosen, float(row["lon"]), float(row["lat"]))

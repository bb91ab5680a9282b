"""Match the columns of an unknown file: one table with its columns, samples, and a choice for each."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
import streamlit as st

from dashboard.session import Installation
from dashboard.words import escape_html
from geo.errors import DataError
from layers.catalogue import LAYERS
from layers.sources import SourceProfile, list_profiles, save_profile
from layers.sources.guesses import PARTS
from layers.sources.suggest import Suggestion, make_profile

__all__ = ["build_match_table", "build_profile", "draw_column_match", "parse_matches"]

NOT_USED: Final = "not used"
NAME_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def build_match_table(suggestion: Suggestion) -> pd.DataFrame:
    """Columns Column, Samples, Meaning; one row a column of the file, its meaning as guessed."""
    return pd.DataFrame(
        {
            "Column": [guess.column for guess in suggestion.columns],
            "Samples": [", ".join(guess.samples[:3]) for guess in suggestion.columns],
            "Meaning": [PARTS.get(guess.part or "", NOT_USED) for guess in suggestion.columns],
        }
    )


def parse_matches(frame: pd.DataFrame) -> dict[str, str]:
    """Column to part, for those that have a meaning."""
    parts = {words: part for part, words in PARTS.items()}
    pairs = zip(frame["Column"], frame["Meaning"], strict=True)
    return {str(column): parts[meaning] for column, meaning in pairs if meaning in parts}


def build_profile(
    suggestion: Suggestion, parts: Mapping[str, str], *, name: str, layer: str, taken: Sequence[str]
) -> SourceProfile:
    """A profile of what was matched; what the suggestion knows of dates and doubtful places stays.

    DataError if the name is none or another source has it.
    """
    if not NAME_PATTERN.fullmatch(name) or name in taken:
        raise DataError(
            "A source has a name of its own, of lower-case letters, digits and hyphens",
            f"{name!r} {'is taken' if name in taken else 'is none'}",
            "choose one such as council-sweeps",
        )
    guessed = suggestion.profile
    return make_profile(
        name,
        parts,
        layer=layer,
        formats=guessed.time.formats,
        records=guessed.records,
        doubtful=guessed.location.doubtful,
        midnight_is_day=guessed.time.midnight_is_day,
    )


def draw_column_match(here: Installation, suggestion: Suggestion) -> None:
    """The table, the layer, the name, and the button that saves the profile and takes it."""
    st.html(f"<h3>Columns of {escape_html(suggestion.file)}</h3>")
    edited = st.data_editor(
        build_match_table(suggestion),
        hide_index=True,
        width="stretch",
        key=f"matching_{suggestion.file}",
        disabled=["Column", "Samples"],
        column_config={"Meaning": st.column_config.SelectboxColumn(options=[NOT_USED, *PARTS.values()], required=True)},
    )
    titles: dict[str, str] = {spec.name: spec.title for spec in LAYERS}
    guessed = suggestion.profile.layer.value or LAYERS[0].name
    layer = st.selectbox(
        "What a row is", list(titles), index=list(titles).index(guessed), format_func=titles.__getitem__
    )
    name = st.text_input("Name of the source", value=suggestion.profile.name, max_chars=40)
    if st.button("Save as a source", type="primary"):
        taken = [profile.name for profile in list_profiles(here.settings.home)]
        profile = build_profile(suggestion, parse_matches(edited), name=name, layer=str(layer), taken=taken)
        save_profile(profile, here.settings.home)
        st.session_state["upload_saved"] = profile.name
        st.rerun()

"""What became of the last closures, each by the usual rule: with this the page "Did it work?" opens."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from geo.errors import DataError, UsageError
from hexbeat.areas.street_names import drop_code, format_in_sentence
from hexbeat.dashboard.state.prepared_results import find_or_build
from hexbeat.dashboard.state.session import Installation, InstallationKey
from hexbeat.evaluation.request import evaluate_protocol, fix_protocol
from hexbeat.evaluation.rule import USUAL_RULE
from hexbeat.evaluation.treated_closures import read_closures, select_closures
from layers.wording import format_date, format_sentence

__all__ = ["MOST_ANSWERS", "ClosureAnswer", "find_closure_answers", "format_closures", "load_closures"]

MOST_ANSWERS: Final = 5
FEWEST_DAYS: Final = 28  # a closure that began later has no time after it yet
FEWEST_ANSWERED_DAYS: Final = 91  # for the answers that are shown unasked: before that, most are too few to say


@dataclass(frozen=True, slots=True)
class ClosureAnswer:
    """One closure, as the list names it, and what the comparison by the usual rule says of it in a sentence."""

    event_id: str
    title: str
    sentence: str


def find_closure_answers(installation: Installation) -> tuple[ClosureAnswer, ...]:
    """The last MOST_ANSWERS closures that began at least a quarter ago, the newest first. PolicyError as for records.

    The rule is the usual one, fixed before anybody chose among the closures.
    """
    return find_or_build(
        installation,
        ("closures", ""),
        (installation.today,),
        lambda: _build_answers(installation, installation.key, installation.today),
    )


@st.cache_resource(max_entries=4, show_spinner="Comparing the last closures with similar places …")
def _build_answers(_installation: Installation, key: InstallationKey, today: dt.date) -> tuple[ClosureAnswer, ...]:
    del key
    closures = load_closures(_installation)
    titles = format_closures(closures)
    latest = today - dt.timedelta(days=FEWEST_ANSWERED_DAYS)
    closures = select_until(closures, latest).head(MOST_ANSWERS)
    return tuple(_answer(_installation, closures, code, titles[code], today=today) for code in closures["event_id"])


def _answer(
    installation: Installation, closures: pd.DataFrame, event_id: str, title: str, *, today: dt.date
) -> ClosureAnswer:
    reads = installation.store, installation.viewer, installation.columns, installation.area
    try:
        places = select_closures(closures, [event_id])
        verdict = evaluate_protocol(*reads, fix_protocol(*reads, places, USUAL_RULE, today=today)).verdict
        sentence = verdict.sentence.split(". ")[0].removesuffix(".") + "."  # the rest is on its own page
    except (DataError, UsageError) as error:  # such as records that do not cover its time
        sentence = format_sentence(error.fact)
    return ClosureAnswer(event_id, title, sentence)


def format_closures(closures: pd.DataFrame) -> dict[str, str]:
    """What lists call the closures of `load_closures`, by event_id: "3 Mar 2026, Linthorpe Road, near … (Central)".

    A cell's code is left out: the day distinguishes closures. Where a day has two at one place, each has the beginning
    of its identifier as its last word.
    """
    pairs = zip(closures["start"], closures["place"], strict=True)
    names = [f"{format_date(day)}, {format_in_sentence(drop_code(place))}" for day, place in pairs]
    twins = {name for name, number in Counter(names).items() if number > 1}
    codes = closures["event_id"].astype(str).tolist()
    return {code: f"{name} · {code[:4]}" if name in twins else name for code, name in zip(codes, names, strict=True)}


def load_closures(installation: Installation) -> pd.DataFrame:
    """The closures to choose from: those that began at least four weeks ago. Cached for this version of the store."""
    return _read_closures(installation, installation.key, installation.today)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read_closures(_installation: Installation, key: InstallationKey, today: dt.date) -> pd.DataFrame:
    del key
    closures = read_closures(_installation.store, _installation.viewer, _installation.columns, _installation.area)
    latest = today - dt.timedelta(days=FEWEST_DAYS)
    return select_until(closures, latest)


def select_until(closures: pd.DataFrame, latest: dt.date) -> pd.DataFrame:
    """The closures that began on this day or before; none of none."""
    is_before = np.array([day <= latest for day in closures["start"]], dtype=np.bool_)
    return closures[is_before].reset_index(drop=True)

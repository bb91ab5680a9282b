"""The choices of a plan, with defaults for the next shift."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from geo.errors import HexbeatError, UsageError
from geo.travel import Mode
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.place_names import build_ward_labels
from hexbeat.dashboard.place_box import draw_place_box
from hexbeat.dashboard.screen import draw_error
from hexbeat.dashboard.state.session import Installation
from hexbeat.operations.plans.patrol import PatrolChoices
from hexbeat.operations.plans.patrol_problem import MOST_STOPS, USUAL_STOPS
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import find_starts, forget_start, read_plan_settings
from hexbeat.operations.plans.sweep import SweepChoices
from hexbeat.operations.plans.working_time import find_next_working_day, format_working_hours, parse_working_hours
from hexbeat.operations.saved_views import list_own_starts
from layers.catalogue import LAYERS, list_usual_targets
from layers.columns import Columns
from layers.wording import format_date

__all__ = [
    "describe_late_hours",
    "describe_question",
    "draw_patrol_choices",
    "draw_sweep_choices",
    "find_next_shift",
    "find_start_key",
]


@dataclass(frozen=True, slots=True)
class _Goers:
    """Who goes: what one is called, how it gets about, and how people speak of one and of several."""

    name: str
    title: str
    mode: Mode
    one: str
    many: str


GOERS: Final = {
    goers.name: goers
    for goers in (
        _Goers("Pair", "Pairs on foot", "walk", "two of you", "{} pairs"),
        _Goers("Car", "Cars", "drive", "one car", "{} cars"),
        _Goers("Van", "Vans", "drive", "one van", "{} vans"),
    )
}
NUMBERS: Final = ("", "one", "two", "three", "four", "five", "six")
ELSEWHERE: Final = "Another place …"
HOURS_HELP: Final = "As you write them: 18:00 to 02:00, 6pm-2am, 22-06, or early, late or night."
SWEEP_HOURS: Final = "07:00 to 15:00"
SWEEP_STOPS: Final = 12  # a day and crew
_DAY_HOURS: Final = 24
_EVENING: Final = 17  # from here on today's hours are tonight's
_Choices = TypeVar("_Choices")


@dataclass(frozen=True, slots=True)
class _SharedChoices:
    """The choices that both kinds of plan have; `start` None: nobody chose one. `complete`: what is typed is found.

    `is_blank`: a start is needed, and nothing is chosen or typed.
    """

    start: Place | None
    wards: tuple[str, ...]
    complete: bool
    is_blank: bool


def draw_patrol_choices(
    installation: Installation, seed: int, question: DeltaGenerator, lacks: list[str]
) -> PatrolChoices | None:
    """Draw the choices of a patrol and return them; None, with the reason on the page, if they are not complete.

    `question`: an empty place for what the page answers. `lacks` takes what is still to be chosen, for the button.
    """
    with st.container(horizontal=True, key="hb_plan_choices", gap="medium", vertical_alignment="bottom"):
        # Kept for the session, because a default that changes would undo what a person chose.
        now = dt.datetime.now(installation.area.tz)
        next_day, next_shift = st.session_state.setdefault("patrol_next_shift", find_next_shift(now))
        day = st.date_input("Day", value=next_day, format="DD/MM/YYYY", key="patrol_day", width=150)
        hours = _draw_hours("patrol", format_working_hours(SHIFT_HOURS[next_shift]))
        who = st.pills(
            "Who goes", list(GOERS), default="Pair", required=True, key="patrol_who",
            format_func=lambda name: GOERS[name].title,
        )  # fmt: skip
        teams = st.number_input("How many", min_value=1, max_value=12, value=1, key="patrol_teams", width=120)
        most = st.number_input(
            "Stops each, at most", min_value=1, max_value=MOST_STOPS, value=USUAL_STOPS, key="patrol_stops", width=150
        )
        weights = _draw_weights(installation.columns, lacks)
    with st.container(horizontal=True, key="hb_plan_where", gap="medium", vertical_alignment="bottom"):
        common = _draw_where(installation, "patrol", "station", needed=False)
    _draw_late_hours(day, hours, now)
    goers = GOERS[who or "Pair"]
    question.html(
        f'<h2 class="hb-plan-question">{describe_question(goers, int(teams), day, hours, today=now.date())}</h2>'
    )
    if not (weights and common.complete and hours):
        return None
    return _build_choices(
        lambda: PatrolChoices(
            day=day,
            hours=hours,
            start=common.start,
            weights=weights,
            teams=int(teams),
            revisit_minutes=read_plan_settings(installation.documents).revisit_minutes,
            walk_minutes=read_plan_settings(installation.documents).walk_minutes,
            mode=goers.mode,
            wards=common.wards,
            seed=seed,
            quick=True,
            most_stops=int(most),
        )
    )


def describe_question(
    goers: _Goers, teams: int, day: dt.date, hours: tuple[float, float] | None, *, today: dt.date
) -> str:
    """The question that the page answers, as in "Where should two of you go tonight?"."""
    number = NUMBERS[teams] if teams < len(NUMBERS) else str(teams)
    who = goers.one if teams == 1 else goers.many.format(number)
    is_night = hours is not None and (hours[0] >= _EVENING or hours[1] < hours[0])
    if day == today:
        when = "tonight" if is_night else "today"
    elif day == today + dt.timedelta(days=1):
        when = "tomorrow night" if is_night else "tomorrow"
    else:
        when = f"on {day:%a} {format_date(day)}"
    return f"Where should {who} go {when}?"


def draw_sweep_choices(
    installation: Installation, seed: int, question: DeltaGenerator, lacks: list[str]
) -> tuple[SweepChoices, int] | None:
    """Draw the choices of a sweep and return them with the number of days to spread it over.

    None, with the reason on the page, if they are not complete. `question` and `lacks`: as `draw_patrol_choices`.
    """
    now = dt.datetime.now(installation.area.tz)
    standard = read_plan_settings(installation.documents).standard_hours
    question.html('<h2 class="hb-plan-question">Where should the crews look for needles?</h2>')
    with st.container(horizontal=True, key="hb_plan_choices", gap="medium", vertical_alignment="bottom"):
        next_day = st.session_state.setdefault(
            "sweep_next_day", find_next_working_day(parse_working_hours(SWEEP_HOURS), now)
        )
        day = st.date_input("First day", value=next_day, format="DD/MM/YYYY", key="sweep_day", width=150)
        days = st.number_input("Working days", min_value=1, max_value=5, value=1, key="sweep_days", width=120)
        span = _draw_hours("sweep", SWEEP_HOURS)
        crews = st.number_input("Crews", min_value=1, max_value=12, value=1, key="sweep_crews", width=120)
        most = st.number_input(
            "Stops a day and crew, at most", min_value=1, max_value=MOST_STOPS, value=SWEEP_STOPS, key="sweep_stops",
            width=220,
        )  # fmt: skip
        hours = st.number_input(
            "Reports answered within (hours)", min_value=0.5, max_value=672.0, value=standard, step=0.5,
            key="sweep_standard", width=220,
        )  # fmt: skip
    with st.container(horizontal=True, key="hb_plan_where", gap="medium", vertical_alignment="bottom"):
        common = _draw_where(installation, "sweep", "depot", needed=True)
    _draw_late_hours(day, span, now)
    start = common.start
    if common.is_blank:
        lacks.append("Choose where the crews start and finish.")
    if start is None or not (common.complete and span):
        return None
    choices = _build_choices(
        lambda: SweepChoices(
            day=day,
            hours=span,
            start=start,
            crews=int(crews),
            standard_hours=float(hours),
            wards=common.wards,
            seed=seed,
            most_stops=int(most),
        )
    )
    return (choices, int(days)) if choices else None


def find_next_shift(now: dt.datetime) -> tuple[dt.date, str]:
    """The next shift that begins, by its day and its name; `now` is local."""
    begins = [
        (dt.datetime.combine(now.date() + dt.timedelta(days=later), dt.time(first)), name)
        for later in (0, 1)
        for name, (first, _) in SHIFT_HOURS.items()
    ]
    begin, name = min(start for start in begins if start[0] >= now.replace(tzinfo=None))
    return begin.date(), name


def describe_late_hours(day: dt.date, hours: tuple[float, float], now: dt.datetime) -> str:
    """That these hours are over or have begun; "" if they are to come. `now` is local."""
    first, last = hours
    begin, end = (
        dt.datetime.combine(day, dt.time()) + dt.timedelta(hours=hour)
        for hour in (first, last if last > first else last + _DAY_HOURS)
    )
    clock = now.replace(tzinfo=None)
    if end <= clock:
        return "These hours are over. Choose a later day to plan work that can still be done."
    return "These hours have begun. The plan begins with their start all the same." if begin < clock else ""


def _draw_late_hours(day: dt.date, hours: tuple[float, float] | None, now: dt.datetime) -> None:
    if hours and (text := describe_late_hours(day, hours, now)):
        st.html(f'<p class="hb-notes" role="status">{text}</p>')


def _draw_hours(key: str, default: str) -> tuple[float, float] | None:
    text = st.text_input("Hours", value=default, key=f"{key}_hours", max_chars=40, width=180, help=HOURS_HELP)
    try:
        return parse_working_hours(text)
    except HexbeatError as error:
        draw_error(error)
        return None


def _draw_weights(columns: Columns, lacks: list[str]) -> tuple[tuple[str, float], ...]:
    """Draw layers and their weights, and return them. People weigh the layers: they are never simply added up."""
    incidents = [spec.name for spec in columns.list_shown(in_cells=True) if spec.kind == "incident"]
    titles = {spec.name: spec.title for spec in LAYERS}
    requested = [layer for layer in st.query_params.get("layers", "").split(",") if layer in incidents]
    layers = st.pills(
        "What counts",
        incidents,
        selection_mode="multi",
        default=requested or [name for name in list_usual_targets() if name in incidents],
        key="patrol_layers",
        format_func=titles.__getitem__,
    )
    if not layers:
        lacks.append("Choose at least one layer.")
        return ()
    if len(layers) == 1:
        return ((layers[0], 1.0),)
    return tuple(
        (
            layer,
            float(
                st.number_input(
                    f"Weight of {titles[layer].lower()}", min_value=0.1, max_value=100.0, value=1.0, step=0.5,
                    key=f"weight_{layer}", width=190,
                )
            ),
        )
        for layer in incidents
        if layer in layers
    )  # fmt: skip


def _draw_where(installation: Installation, key: str, kind: str, *, needed: bool) -> _SharedChoices:
    """Draw the start of the tours and the wards, and return them."""
    start, complete, is_blank = _draw_start(installation, key, kind, needed=needed)
    labels = build_ward_labels(installation.area.wards)
    requested = st.query_params.get("wards", "").split(",") if f"{key}_wards" not in st.session_state else []
    wards = st.multiselect(
        "Wards",
        list(installation.area.wards.codes),
        default=[code for code in requested if code in installation.area.wards.codes],
        key=f"{key}_wards",
        format_func=labels.__getitem__,
        placeholder="The whole area",
    )
    return _SharedChoices(start, tuple(sorted(wards)), complete, is_blank)


def find_start_key(key: str) -> str:
    """Where a session keeps the name of the start that its person chose last, for plans of this kind."""
    return f"{key}_own_start"


def _draw_start(installation: Installation, key: str, kind: str, *, needed: bool) -> tuple[Place | None, bool, bool]:
    """Draw where tours start and finish. No place is filled in that this person did not choose.

    The one that they chose last in this session is, or the only one that their plans ever started at.

    The place, None without one; whether that is an answer: a start that is needed, or typed and not found, is none; and
    whether one is needed where nothing is chosen or typed.
    """
    documents = installation.documents
    places = {place.name: place for place in find_starts(documents, installation.store, installation.viewer, kind)}
    if places:
        own_starts = [name for name in list_own_starts(documents, key) if name in places]
        own = st.session_state.get(find_start_key(key), own_starts[0] if len(own_starts) == 1 else None)
        options = [*places, ELSEWHERE]
        option = st.selectbox(
            "Start and finish", options, index=options.index(own) if own in places else None, key=f"{key}_start",
            width=280, placeholder="Choose a place" if needed else "The first stop",
        )  # fmt: skip
        if option in places:
            if option in {place.name for place in read_plan_settings(documents).starts}:
                st.button(
                    "Forget this start", key=f"{key}_forget", on_click=forget_start, args=(documents, str(option))
                )
            return places[str(option)], True, False
        if option is None:
            return None, not needed, needed
    label = "Start and finish" if needed else "Start and finish, if not the first stop"
    place = draw_place_box(installation.area, label, key=f"{key}_place")
    if place is None:
        is_empty = not st.session_state.get(f"{key}_place_words", "").strip()
        return None, is_empty and not needed, is_empty and needed
    name = st.text_input("Save it as", value=place.name, max_chars=80, key=f"{key}_name_{place.name}", width=280)
    return Place(name.strip() or place.name, place.lon, place.lat), True, False


def _build_choices(make: Callable[[], _Choices]) -> _Choices | None:
    """The choices as made by `make`; None, with the error on the page, if they contradict each other."""
    try:
        return make()
    except UsageError as error:
        draw_error(error)
        return None

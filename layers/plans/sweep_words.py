"""What a sweep plan says: why each stop, how it was made, and what it cannot know."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo.calendar import Calendar
from layers.plans.sweep_places import HALF_LIFE_DAYS, NEAR_M, SweepPlaces
from layers.plans.working_time import WorkingTime
from layers.wording import format_number, format_percent

__all__ = ["build_sweep_notes", "build_sweep_reason", "describe_sweep_settings"]

_HOUR_S = 3600


def build_sweep_reason(places: SweepPlaces, time: WorkingTime, standard_hours: float) -> Callable[[int, int], str]:
    """A function of place and second of arrival that says why the stop is made."""
    today = int(Calendar(time.time_zone).days(np.array([time.begin], dtype=np.int64))[0])

    def reason(place: int, reach: int) -> str:
        said = []
        if places.reports[place]:
            number = int(places.reports[place])
            waited = (time.begin + reach - int(places.oldest[place])) / _HOUR_S
            late = waited > standard_hours
            reports = "1 open report" if number == 1 else f"{number} open reports, the oldest"
            within = f"over the standard of {format_number(standard_hours)}" if late else "within the standard"
            said.append(f"{reports} {_format_age(waited)} old on arrival, {within}")
        if places.child[place]:
            said.append(f"within {NEAR_M:.0f} m of {places.child[place]}")
        if places.last_find[place] >= 0:
            days = today - int(places.last_find[place])
            said.append(f"last find {days} {'day' if days == 1 else 'days'} before")
        return f"{'; '.join(said)[:1].upper()}{'; '.join(said)[1:]}."

    return reason


def _format_age(hours: float) -> str:
    """As in "3 hours", "2 days"."""
    if hours < 48:  # noqa: PLR2004 - two days
        whole = max(round(hours), 0)
        return "1 hour" if whole == 1 else f"{whole} hours"
    return f"{round(hours / 24)} days"


def describe_sweep_settings(
    candidates: int, *, crews: int, standard_hours: float, ways: tuple[str, ...], pause_s: int
) -> tuple[str, ...]:
    """How the plan was made."""
    pause = f" A break of {pause_s // 60} minutes near the middle." if pause_s else ""
    fading = f"A find counts half after {HALF_LIFE_DAYS:.0f} days; finds of sweeps take no part."
    standard = f"The council's standard for a report is {format_number(standard_hours)} hours."
    return (
        f"{crews} {'crew' if crews == 1 else 'crews, each with places of its own that lie together'}.{pause}",
        f"{standard} Overdue reports come first, then other open ones, then play areas and schools, then the rest.",
        f"Chosen among {candidates:,} cells by the needles found there. {fading}",
        *ways,
    )


def build_sweep_notes(places: SweepPlaces, phase: NDArray[np.intp], done: NDArray[np.intp]) -> tuple[str, ...]:
    """What the plan answers and leaves, and what it cannot know."""
    visited = np.zeros(len(places), dtype=np.bool_)
    visited[done] = True
    reports, answered = int(places.reports.sum()), int(places.reports[visited].sum())
    said = []
    if reports:
        late = int(places.reports[(phase == 0)].sum())
        said.append(f"{answered:,} of {reports:,} open reports are answered; {late:,} were overdue when work begins.")
    else:
        said.append("There are no open reports: either all are answered, or the source does not say which are.")
    if reports > answered:
        said.append(f"{reports - answered:,} open reports do not fit into these hours: more crews or hours are needed.")
    share = (
        format_percent(float(places.needles[visited].sum() / places.needles.sum())) if places.needles.sum() else "none"
    )
    said.append(
        f"Stops hold {share} of the needles thought to lie at these places: a week's finds at the pace of late."
    )
    if not any(places.child):
        said.append("No play area or school is loaded or near: none came first for that.")
    said.append("Needles lie where nobody looks, too: a place without finds is not a clean place.")
    return tuple(said)

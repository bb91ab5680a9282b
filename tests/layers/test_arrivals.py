"""How late records arrive, from loads and from when each event was first recorded."""

import numpy as np
import pytest

from layers.arrivals import Arrivals, find_arrived, measure_arrivals

DAY_S = 86_400
DAYS = 120
NOON = DAY_S // 2
MIDNIGHT = 1_700_006_400  # of a day in UTC


def draw_log(delays: tuple[int, ...], *, every: int) -> Arrivals:
    """Arrivals of a log with ten events each morning, reported so many days later in turn, loaded at noon."""
    loads = MIDNIGHT + NOON + DAY_S * np.arange(0, DAYS, every)
    started = np.repeat(MIDNIGHT + DAY_S * np.arange(DAYS) + 3_600, 10)
    reported = started + DAY_S * np.resize(np.array(delays), len(started))
    load = np.searchsorted(loads, reported)
    came = load < len(loads)
    return measure_arrivals("overdoses", "log", loads, started[came], loads[load[came]])


def test_shares_are_those_of_past_loads() -> None:
    half_a_day_later = draw_log((0, 0, 0, 0, 0, 3, 3, 3, 3, 3), every=1)
    arrived = find_arrived([half_a_day_later], [half_a_day_later.loaded_at - NOON - age * DAY_S for age in range(6)])
    assert arrived == pytest.approx([0.5, 0.5, 0.5, 1, 1, 1], abs=0.01)


def test_a_weekly_load_of_a_prompt_log_is_complete() -> None:
    """Six days of seven wait for their load, and none of those that a load covers lacks anything."""
    arrivals = draw_log((0,), every=7)
    assert (
        find_arrived([arrivals], [arrivals.loaded_at - NOON - age * DAY_S for age in range(10)]).tolist() == [1.0] * 10
    )


def test_few_loads_or_events_say_nothing() -> None:
    loads = MIDNIGHT + DAY_S * np.arange(7)
    events = np.full(50, MIDNIGHT)
    assert measure_arrivals("overdoses", "log", loads, events, events).shares == ()
    daily = MIDNIGHT + DAY_S * np.arange(60)
    assert measure_arrivals("overdoses", "log", daily, events[:20], events[:20]).shares == ()


def test_sources_weigh_by_their_events_and_shares_never_fall() -> None:
    late = Arrivals("overdoses", "late", 10 * DAY_S, 30, (0.2, 0.4, 0.6))
    prompt = Arrivals("overdoses", "prompt", 10 * DAY_S, 90)
    starts = [10 * DAY_S, 9 * DAY_S + NOON, 9 * DAY_S, 8 * DAY_S]
    assert find_arrived([late, prompt], starts) == pytest.approx([0.8, 0.85, 0.9, 1.0])
    assert find_arrived([], starts).tolist() == [1.0] * 4
    generator = np.random.default_rng(3)
    loads = MIDNIGHT + DAY_S * np.arange(DAYS)
    started = np.sort(MIDNIGHT + generator.integers(0, DAYS * DAY_S, 80))
    recorded = loads[np.minimum(np.searchsorted(loads, started + generator.exponential(4 * DAY_S, 80)), DAYS - 1)]
    shares = measure_arrivals("overdoses", "log", loads, started, recorded).shares
    assert (np.diff(shares) >= 0).all()
    assert 0 < shares[0] < 0.5 < shares[-1]

"""What the page of work done says: the next stop, progress, rows, a week; every text escaped."""

import datetime as dt
from dataclasses import replace

import pandas as pd

from hexbeat.dashboard.pages.record.record_view import (
    build_progress,
    build_week_rows,
    find_week,
    format_week_heading,
    render_progress,
    render_row,
)
from hexbeat.operations.ledger.ledger import VISIT_COLUMNS
from hexbeat.operations.ledger.visits import Visit, build_stop_visit, visit_id
from hexbeat.operations.plans.plan import PlanKind
from tests.support.plans import AREA, LONDON, NOW, made_plan

PLAN = made_plan(PlanKind.SWEEP)
TOUR = PLAN.tours[0]


def ledger(*found: Visit) -> pd.DataFrame:
    """Visits as `read_visits` hands them over, each recorded a minute after the one before."""
    rows = [
        {name: getattr(visit, name, None) for name in VISIT_COLUMNS}
        | {"visit_id": visit_id(visit), "recorded_at": NOW + dt.timedelta(minutes=k)}
        for k, visit in enumerate(found)
    ]
    frame = pd.DataFrame(rows, columns=list(VISIT_COLUMNS)).astype({"needles": "Int64"})
    for name in ("started_at", "recorded_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("s")
    return frame.astype({"minutes": "int64"})


def at(number: int, **facts: object) -> Visit:
    return build_stop_visit(PLAN, TOUR, TOUR.stops[number], **facts)  # type: ignore[arg-type] # by name


def test_the_next_stop_is_the_first_without_a_record_and_the_last_is_what_was_recorded_last() -> None:
    progress = build_progress(PLAN, TOUR, ledger(at(0, needles=2), at(2, outcome="not_done")), zone=LONDON)
    assert [state.visit_id is not None for state in progress.states] == [True, False, True, False]
    assert (progress.next, progress.last) == (progress.states[1], progress.states[2])
    assert progress.states[0].started == dt.datetime(2026, 11, 19, 22, 30, tzinfo=LONDON)
    done = build_progress(PLAN, TOUR, ledger(*(at(k) for k in range(4))), zone=LONDON)
    assert done.next is None
    fresh = build_progress(PLAN, TOUR, ledger(), zone=LONDON)
    assert (fresh.next, fresh.last) == (fresh.states[0], None)


def test_another_teams_record_of_a_stop_is_not_this_teams() -> None:
    other = build_progress(PLAN, PLAN.tours[1], ledger(at(0)), zone=LONDON)
    assert other.last is None


def test_progress_and_rows_in_words() -> None:
    progress = build_progress(PLAN, TOUR, ledger(at(0, needles=2, minutes=12), at(2, outcome="not_done")), zone=LONDON)
    assert render_progress(progress).startswith(
        '<p class="hb-done-progress" role="status"><b>1 of 4</b> done · 12 of 60 minutes · 2 needles</p>'
    )
    assert [render_row(state, is_sweep=True).partition("<br>")[2] for state in progress.states] == [
        "✓ 22:30, 12 minutes, 2 needles</p>",
        "23:00, 15 minutes planned</p>",
        "✗ not done</p>",
        "00:00, 15 minutes planned</p>",
    ]


def test_one_minute_and_one_needle_have_no_plural() -> None:
    progress = build_progress(PLAN, TOUR, ledger(at(0, needles=1, minutes=1)), zone=LONDON)
    row = render_row(progress.states[0], is_sweep=True)
    assert row.partition("<br>")[2] == "✓ 22:30, 1 minute, 1 needle</p>"


def test_a_week_with_work_of_the_demonstration_says_so() -> None:
    trial = replace(PLAN, synthetic=True, issued_at=NOW)
    rows = build_week_rows([trial], ledger(at(0)), AREA, by="team", today=NOW.date())
    assert [row[0] for row in rows] == ["Team 1 (DEMONSTRATION)", "Team 2 (DEMONSTRATION)"]


def test_texts_of_a_plan_are_never_markup() -> None:
    evil = replace(TOUR.stops[0], place="<img src=x>")
    state = replace(build_progress(PLAN, TOUR, ledger(), zone=LONDON).states[0], stop=evil)
    assert "<b>&lt;img src=x&gt;</b>" in render_row(state, is_sweep=False)


def test_a_week_by_team_and_ward() -> None:
    today = dt.date(2026, 11, 20)
    assert find_week(today) == (dt.date(2026, 11, 16), dt.date(2026, 11, 23))
    assert format_week_heading(today) == "Week from 16 Nov 2026: planned and delivered"
    visits = ledger(at(0, needles=2, minutes=12), at(1, needles=0, minutes=18))
    assert build_week_rows([PLAN], visits, AREA, by="team", today=today) == [
        ("Team 1", "60", "30", "50 %", "2 of 4", "2"),
        ("Team 2", "60", "0", "0 %", "0 of 4", "0"),
    ]
    assert build_week_rows([PLAN], visits, AREA, by="ward", today=today)[0] == (
        "Central",
        "60",
        "30",
        "50 %",
        "2 of 4",
        "2",
    )
    assert build_week_rows([PLAN], visits, AREA, by="team", today=dt.date(2026, 11, 30)) == []

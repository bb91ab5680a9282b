"""What a phone sends of its taps: whatever comes, however often, a visit is recorded once and nothing newer is lost."""

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit
import streamlit as st

from geo.errors import DataError
from hexbeat.dashboard.pages.record.recorder import (
    Entry,
    find_mark,
    parse_entries,
    record_entries,
    record_entry,
    select_own,
)
from hexbeat.dashboard.state.session import Installation, open_installation
from hexbeat.operations.ledger.ledger import read_visits, undo_visit
from hexbeat.operations.plans.plan_store import save_plan
from hexbeat.settings import Settings
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import Role, Viewer
from tests.support.paths import ROOT
from tests.support.plans import LONDON, made_plan
from tests.support.stores import documents_in

STREAMLITS_WINDOW = re.compile(r'"data-testid":`stDialog`(.{0,700}?)"aria-label":`Close`,type:`button`,onClick:')

ACKS_KEY = "done_acks"
BEGAN = dt.datetime(2026, 11, 19, 18, tzinfo=LONDON)
PLAN = made_plan(begins=BEGAN, plan_id="cellar")
TAP = int((BEGAN + dt.timedelta(minutes=40)).timestamp())
LATER = BEGAN + dt.timedelta(hours=2)
SENT = {"key": "a", "plan": "cellar", "team": "Team 1", "stop": "1-1", "outcome": "done", "minutes": 12, "at": TAP}
SENT |= {"needles": None, "by": "0123456789abcdef"}
ENTRY = Entry("a", "cellar", "Team 1", "1-1", "done", 12, None, TAP, "0123456789abcdef")


@pytest.fixture
def installation(home: Path) -> Installation:
    save_plan(documents_in(home), PLAN)
    return open_installation(Settings.from_environment())


def read_facts(installation: Installation) -> list[tuple[int, int]]:
    """Minutes and the second of the tap of each live visit."""
    visits = read_visits(installation.store, installation.viewer)
    seconds = [int(row.timestamp()) for row in visits["recorded_at"]]
    return list(zip(visits["minutes"].tolist(), seconds, strict=True))


def test_an_entry_counts_once_and_what_was_recorded_or_undone_since_stands(installation: Installation) -> None:
    assert record_entry(installation, ENTRY, now=LATER) == "Recorded: stop 1, 12 minutes from 18:28."
    stands = "Stop 1: what was recorded since then stands."
    assert record_entry(installation, ENTRY, now=LATER) == stands
    assert read_facts(installation) == [(12, TAP)]
    corrected = replace(ENTRY, key="b", minutes=20, at=TAP + 60)
    assert record_entry(installation, corrected, now=LATER) == "Recorded: stop 1, 20 minutes from 18:28."
    assert record_entry(installation, replace(ENTRY, key="c", minutes=5, at=TAP + 30), now=LATER) == stands
    assert read_facts(installation) == [(20, TAP + 60)]
    name = read_visits(installation.store, installation.viewer)["visit_id"].iloc[0]
    for _ in range(2):
        undo_visit(installation.store, installation.viewer, name, now=LATER)
    assert record_entry(installation, ENTRY, now=LATER) == stands  # sent again after it was undone
    assert read_facts(installation) == []


def test_one_minute_is_a_minute(installation: Installation) -> None:
    brief = replace(ENTRY, minutes=1)
    assert record_entry(installation, brief, now=LATER) == "Recorded: stop 1, 1 minute from 18:39."


def test_a_tap_long_before_the_plan_says_from_when(installation: Installation) -> None:
    early = BEGAN - dt.timedelta(hours=4)
    with pytest.raises(DataError) as caught:
        record_entry(installation, replace(ENTRY, at=int(early.timestamp())), now=LATER)
    assert str(caught.value) == (
        "A stop is recorded from three hours before its plan begins; this plan begins at 18:00 on 19 Nov 2026; record "
        "it from 15:00 on 19 Nov 2026"
    )
    assert read_facts(installation) == []


def test_a_visit_never_begins_before_its_plan_was_made(home: Path) -> None:
    begins = dt.datetime(2026, 12, 1, 22, tzinfo=LONDON)
    made_at = dt.datetime(2026, 12, 1, 20, 38, 9, tzinfo=LONDON)
    save_plan(documents_in(home), replace(made_plan(begins=begins, plan_id="cellar"), made_at=made_at))
    installation = open_installation(Settings.from_environment())

    def tap(minutes_later: float, **changes: Any) -> str:
        at = int((made_at + dt.timedelta(minutes=minutes_later)).timestamp())
        return record_entry(installation, replace(ENTRY, **{"minutes": 10, "at": at, **changes}), now=begins)

    with pytest.raises(DataError) as caught:
        tap(1)
    assert str(caught.value) == (
        "A visit begins after its plan was made; this plan was made at 20:38 on 1 Dec 2026, and a visit of 10 minutes "
        "that ends now began at 20:29; record it when the visit is over, or correct its minutes"
    )
    assert read_facts(installation) == []
    assert tap(2, outcome="not_done") == "Recorded: stop 1, not done."
    assert tap(10) == "Recorded: stop 1, 10 minutes from 20:38."
    assert tap(11, minutes=30) == "Recorded: stop 1, 30 minutes from 20:38."  # a correction keeps its start
    late = begins + dt.timedelta(days=1)
    yesterday = Entry("b", "cellar", "Team 1", "1-2", "done", 10, None, int(late.timestamp()), ENTRY.by)
    assert record_entry(installation, yesterday, now=late) == "Recorded: stop 2, 10 minutes from 23:00."


def test_a_tap_from_a_clock_that_is_fast_counts_as_of_now(installation: Installation) -> None:
    record_entry(installation, replace(ENTRY, at=TAP + 86_400), now=LATER)
    assert read_facts(installation) == [(12, int(LATER.timestamp()))]


def test_the_last_tap_of_a_stop_counts_also_from_a_clock_that_is_fast(installation: Installation) -> None:
    fast = int(dt.datetime.now(dt.UTC).timestamp()) + 7200
    first = [replace(ENTRY, key=f"k{place}", minutes=5 + place, at=fast + place) for place in range(3)]
    record_entries(installation, [first[0], replace(ENTRY, key="x", stop_id="1-2", minutes=9), *first[1:]])
    assert sorted(minutes for minutes, _ in read_facts(installation)) == [7, 9]
    assert set(st.session_state[ACKS_KEY]) == {"k0", "k1", "k2", "x"}
    record_entries(installation, first)  # sent again: they were confirmed
    assert sorted(minutes for minutes, _ in read_facts(installation)) == [7, 9]


def test_a_mark_tells_people_apart_and_names_nobody(home: Path) -> None:
    with Store.open(home) as store:
        jo, kim = (store.documents(Viewer(Role.COUNCIL, name)) for name in ("jo@example.org", "kim@example.org"))
        mark = find_mark(jo)
        assert re.fullmatch("[0-9a-f]{16}", mark)
        assert find_mark(kim) != mark == find_mark(store.documents(Viewer(Role.POLICE, "jo@example.org")))
        assert mark != hashlib.sha256(b"jo@example.org").hexdigest()[:16]
    entries = [ENTRY, replace(ENTRY, key="b", by=mark)]
    assert select_own(entries, mark) == entries[1:]


def test_an_older_store_keeps_its_marks_and_has_no_secret_among_its_views(home: Path) -> None:
    with Store.open(home) as store:
        jo = store.documents(Viewer(Role.COUNCIL, "jo@example.org"))
        jo.remove(DocumentKind.PHONE, "seed")
        jo.write(DocumentKind.VIEW, "phone/seed", b"of before")
        mark = hmac.new(b"of before", b"jo@example.org", hashlib.sha256).hexdigest()[:16]
        assert [find_mark(jo) for _ in range(2)] == [mark, mark]
        assert jo.list_names(DocumentKind.VIEW) == []
        assert jo.list_names(DocumentKind.PHONE) == ["seed"]


def test_a_stop_of_another_team_is_refused(installation: Installation) -> None:
    with pytest.raises(DataError) as caught:
        record_entry(installation, replace(ENTRY, team="Team 2"), now=LATER)
    assert str(caught.value) == (
        "A visit that the phone kept is of a stop of its plan; plan cellar has no such stop of Team 2; record it again "
        "at the stop that you mean"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"minutes": 12.5}, {"minutes": True}, {"minutes": 1441}, {"needles": -1}, {"needles": "2"}, {"at": 0},
        {"outcome": "maybe"}, {"team": ""}, {"team": "x" * 81}, {"plan": None}, {"key": ["a"]},
        {"key": "\ud800"}, {"team": "Team\n1"}, {"by": None}, {"by": ""},
    ],
)  # fmt: skip
def test_what_no_page_of_ours_sends_is_left_out(changed: dict[str, Any]) -> None:
    assert parse_entries([SENT | changed, SENT]) == [ENTRY]


@pytest.mark.parametrize("sent", [None, "x", {}, [None], [1], [{}], [[]]])
def test_what_is_no_list_of_entries_is_none(sent: Any) -> None:
    assert parse_entries(sent) == []


def test_the_first_button_of_streamlits_window_closes_it() -> None:
    """The recorder closes Streamlit's window on a lost connection by this button, whatever its words are."""
    scripts = Path(streamlit.__file__).parent.joinpath("static", "static", "js").glob("*.js")
    windows = [text for text in (path.read_text("utf-8") for path in scripts) if STREAMLITS_WINDOW.search(text)]
    assert len(windows) == 1
    between = STREAMLITS_WINDOW.search(windows[0])
    assert between
    assert "children:`" not in between.group(1)  # nothing that could hold another button comes first
    assert not [path for path in (ROOT / "hexbeat").rglob("*.py") if "st.dialog" in path.read_text("utf-8")]

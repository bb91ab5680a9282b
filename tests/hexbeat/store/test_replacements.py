"""A row with a known identifier but another day and place is another event: a load of many of them stops."""

from dataclasses import replace
from pathlib import Path

import pytest

from hexbeat.dashboard.pages.data.upload_report import render_known_references
from hexbeat.ingest.replaced_events import build_replacement_rows, describe_replacements
from hexbeat.ingest.sources import load_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.replacements import ReplacementError
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.events import event_frame, load
from tests.support.input_files import TOWN, ingest, table
from tests.support.stores import documents_in

HEADING = "layer,id,lon,lat,date,quantity,status"


def month(folder: Path, number: int, *, name: str, rows: int = 4, first: int = 1) -> Path:
    """A sheet of one month, whose numbers begin at `first`; each month has other places."""
    lines = [
        f"needles,{key},{-1.2 - key / 1000},{54.55 + number / 500},2025-{number:02d}-{key:02d},{key},open"
        for key in range(first, first + rows)
    ]
    return table(folder, *lines, heading=HEADING, name=name)


def list_days(store: Store) -> list[int]:
    return sorted(read_live_records(store, ANALYST)["occurred_from"].tolist())


def test_numbers_that_begin_again_stop_the_load_and_change_nothing(store: Store, tmp_path: Path) -> None:
    january, february = month(tmp_path, 1, name="january.csv"), month(tmp_path, 2, name="february.csv")
    ingest(store, january)
    before, version = list_days(store), store.version()
    checked = ingest(store, february, dry_run=True).files[0].replacements
    assert (checked.replaced, checked.met, checked.are_too_many) == (4, 4, True)
    with pytest.raises(ReplacementError) as caught:
        ingest(store, february)
    assert str(caught.value) == (
        "A row with a known identifier describes the same event again; 4 of the 4 known identifiers in february.csv "
        "come with another day and another place; if the numbers begin again, for example each month, take the date "
        "into the key of a source profile"
    )
    assert (list_days(store), store.version()) == (before, version)
    rows = build_replacement_rows(caught.value.replacements, ANALYST, area=TOWN, time_zone=TOWN.tz)
    assert rows[:2] == [
        {
            "identifier": "1",
            "event": "stored",
            "day": "1 Jan 2025",
            "quantity": "1",
            "place": "town 0 (54.5520, -1.2010)",
        },
        {"identifier": "1", "event": "new", "day": "1 Feb 2025", "quantity": "1", "place": "town 0 (54.5540, -1.2010)"},
    ]
    assert len(rows) == 6
    ingest(store, february, replace_other_events=True)
    assert len(list_days(store)) == 4
    assert not set(list_days(store)) & set(before)


def test_two_sheets_in_one_load_are_compared_too(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ReplacementError):
        ingest(store, month(tmp_path, 1, name="january.csv"), month(tmp_path, 2, name="february.csv"))
    assert list_days(store) == []


@pytest.mark.parametrize(
    ("date", "lon", "lat"),
    [("2025-01-09", -1.201, 54.552), ("2025-01-01", -1.25, 54.56), ("2025-01-01 09:30", -1.25, 54.51)],
)
def test_a_corrected_day_or_place_is_an_update(store: Store, tmp_path: Path, date: str, lon: float, lat: float) -> None:
    ingest(store, month(tmp_path, 1, name="january.csv", rows=1))
    path = table(tmp_path, f"needles,1,{lon},{lat},{date},1,open", heading=HEADING)
    assert ingest(store, path).files[0].tally.updated == 1


def one_place(folder: Path, *days: str, name: str) -> Path:
    rows = (f"needles,{key},-1.2,54.55,{day},1,open" for key, day in enumerate(days, start=1))
    return table(folder, *rows, heading=HEADING, name=name)


@pytest.mark.slow
def test_numbers_that_begin_again_at_one_place_stop_the_load_too(store: Store, tmp_path: Path) -> None:
    april = one_place(tmp_path, "2025-04-01", "2025-04-02", "2025-04-03", name="april.csv")
    may = one_place(tmp_path, "2025-05-01", "2025-05-02", "2025-05-03", name="may.csv")
    ingest(store, april)
    before = list_days(store)
    checked = ingest(store, may, dry_run=True).files[0].replacements
    assert (checked.replaced, checked.are_too_many, len(checked.samples)) == (3, True, 3)
    with pytest.raises(ReplacementError) as caught:
        ingest(store, may)
    assert str(caught.value) == (
        "A row with a known identifier describes the same event again; 3 of the 3 known identifiers in may.csv "
        "come with another day; if the numbers begin again, for example each month, take the date into the key of a "
        "source profile"
    )
    assert describe_replacements("may.csv", checked) == "may.csv: 3 of 3 known identifiers come with another day"
    assert list_days(store) == before
    ingest(store, may, replace_other_events=True)
    assert not set(list_days(store)) & set(before)


@pytest.mark.parametrize(("rows", "moved"), [(2, 2), (7, 3)])
def test_a_few_corrected_days_at_one_place_are_updates(store: Store, tmp_path: Path, rows: int, moved: int) -> None:
    days = [f"2025-04-{number:02d}" for number in range(1, rows + 1)]
    ingest(store, one_place(tmp_path, *days, name="april.csv"))
    corrected = [day.replace("-04-", "-05-") for day in days[:moved]] + days[moved:]
    file = ingest(store, one_place(tmp_path, *corrected, name="corrected.csv")).files[0]
    assert (file.tally.updated, file.replacements.replaced) == (moved, 0)


def test_a_month_that_becomes_a_day_of_it_is_an_update(store: Store, tmp_path: Path) -> None:
    ingest(store, table(tmp_path, "needles,1,-1.2,54.55,2025-01,1,open", heading=HEADING))
    path = table(tmp_path, "needles,1,-1.25,54.56,2025-01-20,1,open", heading=HEADING)
    assert ingest(store, path).files[0].tally.updated == 1


def test_a_few_among_many_are_loaded_and_said(store: Store, tmp_path: Path) -> None:
    ingest(store, month(tmp_path, 1, name="january.csv", rows=20))
    mixed = table(
        tmp_path, "needles,1,-1.27,54.59,2025-06-09,1,open",
        *(f"needles,{key},{-1.2 - key / 1000},54.552,2025-01-{key:02d},{key},cleared" for key in range(2, 21)),
        heading=HEADING,
    )  # fmt: skip
    file = ingest(store, mixed).files[0]
    assert (file.replacements.replaced, file.replacements.met, file.tally.updated) == (1, 20, 20)


def test_a_store_that_changed_meanwhile_is_compared_again(store: Store) -> None:
    """The load was compared with an empty store; while it was open, January came in."""
    frame = event_frame(["1"], source="table")
    far = frame.assign(occurred_from=frame["occurred_from"] + 10**7, occurred_to=frame["occurred_to"] + 10**7)
    far["h3_11"] = far["h3_11"] + 1

    def load_beside_another() -> None:
        with store.begin_load(ANALYST, area="town") as entry:
            with entry.file("february.csv", "table", sha256="0" * 64) as part:
                part.may_replace = False
                part.add_events(far)
            assert not part.replacements.replaced
            load(store, frame)

    with pytest.raises(ReplacementError):
        load_beside_another()
    assert len(list_days(store)) == 1


@pytest.mark.slow
def test_a_spreadsheet_loaded_under_another_source_is_noticed(store: Store, tmp_path: Path) -> None:
    path = month(tmp_path, 1, name="finds.csv")
    other = replace(load_profile("table", documents_in(tmp_path)), name="finds")
    assert ingest(store, path).files[0].known_references == {}
    assert ingest(store, path).files[0].known_references == {}  # its own references are known, and update their events
    longer = month(tmp_path, 1, name="finds.csv", rows=6)
    checked = ingest(store, longer, source=other, dry_run=True)
    assert checked.files[0].as_dict()["known_references"] == {"table": 4}
    notice = (
        "finds.csv: 4 of these 6 references are already loaded from the source table. If they are the same events, "
        "each would count twice: undo that load first (\u201cUndo the last load\u201d takes back the last load)."
    )
    assert render_known_references(checked) == [f'<p role="alert" class="hb-silent">{notice}</p>']
    assert ingest(store, longer, source=other).files[0].known_references == {"table": 4}
    dealing = table(tmp_path, "dealing,1,-1.2,54.55,2025-01-01,1,open", heading=HEADING)
    third = replace(other, name="third")
    assert ingest(store, dealing, source=third, dry_run=True).files[0].known_references == {}  # of another layer
    assert ingest(store, path, source=third, dry_run=True).files[0].known_references == {"finds": 6, "table": 4}
    store.undo_last(ANALYST)
    assert ingest(store, path, source=third, dry_run=True).files[0].known_references == {"table": 4}

"""Whatever a table holds, every row is skipped, rejected or accepted, and loading it again changes nothing."""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import DataError
from hexbeat.ingest.ingest import FileReport
from hexbeat.ingest.sources import SourceProfile, load_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import REJECT_REASONS, SKIP_REASONS
from tests.support.input_files import NOW, ingest
from tests.support.stores import documents_in

HEADING = ["layer", "source_id", "lon", "lat", "grid ref", "occurred_from", "occurred_to", "time", "quantity", "status"]
DIRT = st.sampled_from(
    ["", " ", "\xa0", "NULL", "None", "n/a", "x", "<img onerror>", "a\nb", 'a "b"', "\ufffd", "9" * 50, "-1", "é"]
)
LON = st.sampled_from(["-1.2", "-1.25", "-1.1999", "-5", "0", "181", "1e400", "nan", "inf"])
LAT = st.sampled_from(["54.55", "54.58", "54.5001", "51", "0", "-91", "54,5"])
DATES = st.sampled_from(
    ["21/11/2026", "21 Nov 2026", "2026-11-21", "2026-11-21T14:30:00Z", "1/2/2026 9:05", "2026-03-29 01:30", "2026-10",
     "31/02/2026", "2027-01-01", "9999-12-31", "0001-01-01", "2026-10-25 01:30:00+01:00", "Nov 2026", "20261121"]
)  # fmt: skip
ROWS = st.tuples(
    st.sampled_from(["needle_litter", "Needles", "street dealing", "overdoses", "closed_properties", "graffiti", ""]),
    st.sampled_from(["", "", "1", "2", "3", "4", "x" * 300]),
    LON | DIRT,
    LAT | DIRT,
    st.sampled_from(["", "", "", "NZ 495 205", "NZ4950020500", "ZZ 1", "TQ 30 80"]),
    DATES | DIRT,
    st.sampled_from(["", ""]) | DATES | DIRT,
    st.sampled_from(["", "", "14:30", "2.30pm", "25:00", "noon"]),
    st.sampled_from(["", "1", "3", "0", "2.5", "1e9", "many"]),
    DIRT,
)

# Without one such row a file is refused.
USABLE = ("needle_litter", "", "-1.2", "54.55", "", "21/11/2026", "", "", "1", "")


def written(folder: Path, rows: list[tuple[str, ...]], name: str = "rows.csv") -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([HEADING, *rows])
    (folder / name).write_text(text.getvalue(), encoding="utf-8", newline="")
    return folder / name


def balanced(report: FileReport, rows: int) -> bool:
    said, tally = report.as_dict(), report.tally
    return (
        said["read"] == rows == said["skipped"] + said["rejected"] + said["accepted"]
        and said["accepted"] == said["new"] + said["updated"] + said["unchanged"]
        and sum(said["reasons"].values()) == said["skipped"] + said["rejected"]
        and set(said["reasons"]) <= {*SKIP_REASONS, *REJECT_REASONS}
        and said["skipped"] == tally.read - tally.rejected - tally.accepted
    )


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        yield store


def fresh(store: Store) -> SourceProfile:
    """The table source under a name that the store does not know yet."""
    return replace(load_profile("table", documents_in(store.home)), name=f"table-{len(store.batches(ANALYST))}")


@pytest.mark.slow
@settings(max_examples=25)
@given(rows=st.lists(ROWS, min_size=1, max_size=30))
def test_every_row_is_accounted_for_and_a_second_load_changes_nothing(
    lasting_store: Store, rows: list[tuple[str, ...]]
) -> None:
    path, source = written(lasting_store.home, rows), fresh(lasting_store)
    before = lasting_store.version()
    dry = ingest(lasting_store, path, source=source, dry_run=True)
    assert (dry.batch_id, lasting_store.version()) == (None, before)
    if dry.files[0].tally.rejected and not dry.files[0].tally.accepted:
        with pytest.raises(DataError, match=r"^A load needs at least one row that can be used; every row of "):
            ingest(lasting_store, path, source=source)
        assert lasting_store.version() == before
        return
    report, second = ingest(lasting_store, path, source=source), ingest(lasting_store, path, source=source).files[0]
    first = report.files[0]
    assert balanced(first, len(rows))
    assert dry.files[0].as_dict() == first.as_dict()
    assert (second.tally.unchanged, second.tally.reasons) == (first.tally.new, first.tally.reasons)
    rejects = lasting_store.rejects(ANALYST, report.batch_id)
    assert Counter(rejects["reason"]) == {r: n for r, n in first.tally.reasons.items() if r in REJECT_REASONS}
    events = read_live_records(lasting_store, ANALYST)
    events = events[events["source"] == source.name]
    assert len(events) == first.tally.new
    assert (events["occurred_to"] >= events["occurred_from"]).all()
    assert (events["quantity"] >= 1).all()
    assert events["lon"].between(-1.30, -1.10).all()
    assert (events["occurred_from"] <= NOW.timestamp()).all()


@pytest.mark.slow
@settings(max_examples=25)
@given(rows=st.lists(ROWS, min_size=2, max_size=20), chance=st.randoms())
def test_the_order_of_rows_does_not_matter(
    lasting_store: Store, rows: list[tuple[str, ...]], chance: random.Random
) -> None:
    source = fresh(lasting_store)
    keyed = [(row[0], str(number), *row[2:]) for number, row in enumerate([*rows, USABLE])]
    shuffled = chance.sample(keyed, len(keyed))
    first = ingest(lasting_store, written(lasting_store.home, keyed), source=source).files[0].tally
    second = ingest(lasting_store, written(lasting_store.home, shuffled), source=source).files[0].tally
    assert (second.unchanged, second.new, second.updated) == (first.new, 0, 0)
    assert second.reasons == first.reasons

"""What a load must meet as a whole: real records only, a clock that is right, parts that add up."""

from pathlib import Path

import pytest

from geo.errors import PolicyError
from hexbeat.ingest.load_checks import describe_future
from hexbeat.store.loads import FileTally
from hexbeat.store.store import Store
from layers.event import DEMONSTRATION
from tests.support.events import event_frame, load
from tests.support.input_files import FIXTURES, NOW, ingest, table


def test_real_records_never_join_a_demonstration(sqlite_store: Store, tmp_path: Path) -> None:
    load(sqlite_store, event_frame(["d"], source=DEMONSTRATION))
    path = table(tmp_path, "needles,1,-1.2,54.55,2025-01-01")
    version = sqlite_store.version()
    assert ingest(sqlite_store, path, dry_run=True).files[0].tally.new == 1
    with pytest.raises(PolicyError) as caught:
        ingest(sqlite_store, path)
    assert str(caught.value) == (
        "Real records and demonstration events never share a store; this store holds demonstration events; "
        "remove them with `hexbeat demo --remove`, or choose another home (--home); nothing was changed"
    )
    assert sqlite_store.version() == version


@pytest.mark.parametrize(("future", "is_said"), [(5, False), (6, True)])
def test_a_clock_that_may_be_wrong_is_said_when_most_rows_are_to_come(future: int, *, is_said: bool) -> None:
    tally = FileTally(read=10, accepted=10 - future, rejected=future, reasons={"future_date": future})
    sentence = (
        "a.csv: 6 of 10 rows are dated after today. This machine's clock says 22 Nov 2026; if that is wrong, correct "
        "it and load the file again"
    )
    assert describe_future("a.csv", tally, NOW) == ((sentence,) if is_said else ())


def test_two_files_of_one_month_are_said_to_add_up(sqlite_store: Store, tmp_path: Path) -> None:
    lines = (FIXTURES / "2024-06-cleveland-street.csv").read_text(encoding="utf-8").splitlines()
    for part, rows in (("part1", lines[1:4]), ("part2", lines[4:])):
        (tmp_path / part).mkdir()
        (tmp_path / part / "2024-06-cleveland-street.csv").write_text(
            "\n".join([lines[0], *rows]) + "\n", encoding="utf-8"
        )
    paths = [tmp_path / part / "2024-06-cleveland-street.csv" for part in ("part1", "part2")]
    report = ingest(sqlite_store, *paths, source="police-uk-street")
    assert sum(file.tally.removed for file in report.files) == 0
    assert report.remarks_on_days[-1] == (
        "Several files hold Cleveland Police, 2024-06: they add up, and equal rows count once."
    )

"""Real police.uk months of Middlesbrough: hotspots where the town centre is, and none once the cells are shuffled."""

import datetime as dt
from pathlib import Path

import pytest

from hexbeat.analysis.hotspot_explanation import explain_cell
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.method_selection import choose_hotspot_size
from hexbeat.analysis.study import load_study
from hexbeat.store.live_columns import read_columns
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.columns import Columns
from layers.filters import Filter
from layers.precision import describe_fine_cells, measure_chosen_precision
from tests.support.demonstrations import middlesbrough, shuffle_cells
from tests.support.input_files import ingest

pytestmark = [pytest.mark.shared, pytest.mark.slow]
SPRING = Filter(layers=("street_dealing",), start=dt.date(2024, 3, 1), end=dt.date(2024, 6, 1))


@pytest.fixture(scope="module")
def spring(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Columns:
    """Reports of drugs and searches for them, March to May 2024."""
    folder, area = shared / "events" / "police_uk", middlesbrough()
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        for kind, source in (("street", "police-uk-street"), ("stop-and-search", "police-uk-stop-search")):
            files = [folder / f"2024-{month:02d}-cleveland-{kind}.csv" for month in (3, 4, 5)]
            ingest(store, *files, source=source, area=area)
        return read_columns(store, ANALYST, ward_codes=area.wards.codes)


def test_hotspots_lie_in_the_centre(spring: Columns) -> None:
    found = build_hotspot_map(spring, SPRING, load_study(middlesbrough()), trend=False, method="gi")
    hot = found.rows[found.rows["hotspot"] == "hot"]
    assert 5 < len(hot) < 0.1 * len(found.rows)
    assert set(hot.sort_values("q_value")["ward_name"].head(5)) <= {"Central", "Newport"}
    reason = explain_cell(found, str(hot.sort_values("q_value")["cell"].iloc[0]))
    assert reason.startswith("A hotspot: ")
    assert reason.endswith(" By chance, fewer than 1 in 1,000 maps would have as many here.")


def test_cells_of_350_m_are_chosen_because_the_records_share_points(spring: Columns) -> None:
    """With cells of 130 m each anchor point is a cell of its own among empty ones, and hardly any hotspot is left."""
    chosen = choose_hotspot_size(spring, "street_dealing", None)
    assert chosen is not None
    assert chosen.resolution == 9
    coarse, fine = (
        build_hotspot_map(spring, SPRING, load_study(middlesbrough(), (), size), trend=False, method="gi").rows
        for size in (9, 10)
    )
    events = [rows.loc[rows["hotspot"] == "hot", "count"].sum() for rows in (coarse, fine)]
    assert events[0] > 2 * events[1]


def test_smaller_cells_than_the_records_know_are_called_so(spring: Columns) -> None:
    """Every record says that it is snapped; a back-test tests no smaller cells, and a map of smaller ones says so."""
    assert {spring.sources[code] for code in set(spring.source.tolist())} == {
        "police-uk-street",
        "police-uk-stop-search",
    }
    precision = measure_chosen_precision(spring, SPRING, time_zone="Europe/London")
    assert (precision.kind, precision.stated, precision.finest) == ("snapped", True, 9)
    assert 200 < precision.points < 1_000
    wide, fine = (
        build_hotspot_map(spring, SPRING, load_study(middlesbrough(), (), size), trend=False, method="gi").notes
        for size in (9, 10)
    )
    note = describe_fine_cells(precision, 10)
    assert note in fine
    assert not any("smallest cells that these records know" in line for line in wide)


def test_a_period_within_a_month_is_shared_and_rounded(spring: Columns) -> None:
    fortnight = Filter(layers=("street_dealing",), start=dt.date(2024, 4, 8), end=dt.date(2024, 4, 22))
    found = build_hotspot_map(spring, fortnight, load_study(middlesbrough()), trend=False, method="gi")
    assert found.shared_in_time > 0
    assert found.unit == 1 / 16
    assert "For the test, counts are rounded to multiples of 0.0625." in found.notes


def test_shuffled_cells_show_no_more_than_promised(spring: Columns) -> None:
    study = load_study(middlesbrough())
    maps = [
        build_hotspot_map(shuffle_cells(spring, study, seed=seed), SPRING, study, trend=False, method="gi")
        for seed in range(40)
    ]
    assert sum((one.rows["hotspot"] == "hot").any() for one in maps) <= 5  # 2 expected; more has a chance of 1 in 70

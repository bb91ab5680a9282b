"""The permutation scan against the original program's answers on made-up events (../shared/peers/satscan)."""

import csv
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from geo.scan import compute_gumbel_p, space_time_permutation

pytestmark = pytest.mark.shared
EPOCH = date(1970, 1, 1)
RUNS = ["run_a", "run_b", "run_c", "run_c_dow", "run_d_dow"]


@pytest.fixture(scope="module")
def vectors(shared: Path) -> Path:
    folder = shared / "peers" / "satscan"
    if not folder.is_dir():
        pytest.skip("needs the original program's answers in ../shared/peers/satscan")
    return folder


def read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def to_days(dates: Iterable[str]) -> np.ndarray:
    parts = [one.replace("/", "-").split("-") for one in dates]
    return np.array([(date(int(y), int(m), int(d)) - EPOCH).days for y, m, d in parts])


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_clusters_are_those_of_the_original(vectors: Path, run: str) -> None:
    answer = json.loads((vectors / f"{run}.json").read_text(encoding="utf-8"))
    asked, places, rows = (
        answer["parameters"],
        read_rows(vectors / "locations.csv"),
        read_rows(vectors / answer["dataset"]),
    )
    cells = [place["cell"] for place in places]
    counts = [int(row["count"]) for row in rows]
    first_day, last_day = to_days([asked["StartDate"], asked["EndDate"]]).tolist()
    found = space_time_permutation(
        np.repeat([cells.index(row["cell"]) for row in rows], counts),
        np.repeat(to_days(row["date"] for row in rows), counts),
        [float(place["lon"]) for place in places],
        [float(place["lat"]) for place in places],
        first_day=first_day,
        last_day=last_day,
        by_weekday=asked["AdjustForWeeklyTrends"] == "y",
        seed=1,
    )
    theirs = answer["clusters"]  # without those that nearly every replicate beats
    assert all(one.p_value >= 0.99 for one in found[len(theirs) :])
    for ours, other in zip(found, theirs, strict=False):
        start, end = to_days([other["start"], other["end"]]).tolist()
        assert sorted(cells[place] for place in ours.places) == sorted(other["members"])
        assert (cells[ours.centre], ours.first_day, ours.last_day) == (other["centre"], start, end)
        assert ours.observed == other["observed"]
        assert ours.expected == pytest.approx(other["expected"], abs=1e-10)
        assert ours.statistic == pytest.approx(other["llr"], abs=1e-10)
        error = np.sqrt(2 * other["p_value"] * (1 - other["p_value"]) / 999)  # of two simulations
        assert abs(ours.p_value - other["p_value"]) <= 3 * error
        assert ours.gumbel_p_value == pytest.approx(other["gumbel_p"], rel=0.3)


@pytest.mark.parametrize("run", ["run_b", "run_c", "run_c_dow"])
def test_gumbels_p_of_the_originals_replicates_is_the_originals(vectors: Path, run: str) -> None:
    answer = json.loads((vectors / f"{run}.json").read_text(encoding="utf-8"))
    maxima = np.array(answer["replicate_llr"])
    assert len(maxima) == 999
    for cluster in answer["clusters"]:
        assert compute_gumbel_p(cluster["llr"], maxima) == pytest.approx(cluster["gumbel_p"], rel=1e-6)

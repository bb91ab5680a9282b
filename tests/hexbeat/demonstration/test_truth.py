"""What the truth file says was planted is really in the events. Many events are made, so that chance is small."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import h3
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hexbeat.areas.area import load_area
from hexbeat.demonstration import Demonstration, make_events

TODAY = dt.date(2026, 11, 22)
METRES = np.array([64_600.0, 111_300.0])  # of a degree east and north at Middlesbrough


@pytest.fixture(scope="module")
def many() -> Demonstration:
    return make_events(load_area("middlesbrough"), events=120_000, today=TODAY)


def utc(day: str | dt.date) -> int:
    return int(pd.Timestamp(day, tz="Europe/London").timestamp())


def of_layer(made: Demonstration, layer: str) -> pd.DataFrame:
    return made.frame[(made.frame["layer"] == layer) & (made.frame["reported_by"] != "sweep")]


def local_times(frame: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(frame["occurred_from"], unit="s", utc=True)).tz_convert("Europe/London")


def exact_times(made: Demonstration, layer: str) -> pd.DatetimeIndex:
    return local_times(of_layer(made, layer).query("time_precision == 'minute' and occurred_from == occurred_to"))


def in_cell(frame: pd.DataFrame, cell: str) -> pd.DataFrame:
    return frame[frame["h3_09"] == h3.str_to_int(cell)]


def times_ordinary(made: Demonstration, hotspot: dict[str, Any], chosen: NDArray[np.bool_] | None = None) -> float:
    """How many times more frequent events are in a hotspot's cell than in cells where nothing is planted."""
    planted = [other for other in made.truth["hotspots"] if other["layer"] == hotspot["layer"]]
    frame = of_layer(made, hotspot["layer"])
    frame = frame if chosen is None else frame[chosen]
    calm = frame[~frame["h3_09"].isin([h3.str_to_int(other["cell"]) for other in planted])]
    calm_share = 1 - sum(other["ordinary_share"] for other in planted)
    return (len(in_cell(frame, hotspot["cell"])) / hotspot["ordinary_share"]) / (len(calm) / calm_share)


def hotspots(made: Demonstration, kind: str) -> list[dict[str, Any]]:
    return [hotspot for hotspot in made.truth["hotspots"] if hotspot["kind"] == kind]


def test_hotspots_are_apart_and_of_each_kind_and_layer(many: Demonstration) -> None:
    assert len(hotspots(many, "new")) == len(hotspots(many, "fading")) == 1
    assert {hotspot["layer"] for hotspot in hotspots(many, "steady")} == {
        "needle_litter",
        "street_dealing",
        "overdoses",
    }
    cells = sorted({hotspot["cell"] for hotspot in many.truth["hotspots"]})
    assert all(h3.grid_distance(a, b) > 1 for a in cells for b in cells if a != b)


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    # Near repeats carry some events out of the cell, and closures lie rather where there is dealing.
    [("needle_litter", 0.8, 1.05), ("street_dealing", 0.55, 1.1), ("overdoses", 0.9, 1.1)],
)
def test_steady_hotspots_have_their_multiplier(many: Demonstration, layer: str, low: float, high: float) -> None:
    steady = [hotspot for hotspot in hotspots(many, "steady") if hotspot["layer"] == layer]
    found = np.array([times_ordinary(many, hotspot) / hotspot["multiplier"] for hotspot in steady])
    assert low < found.mean() < high
    assert (found > 0.35).all()
    assert (found < 1.5).all()


def test_the_new_hotspot_appears_on_its_day(many: Demonstration) -> None:
    (hotspot,) = hotspots(many, "new")
    frame = of_layer(many, hotspot["layer"])
    after = (frame["occurred_from"] >= utc(hotspot["from"])).to_numpy()
    assert hotspot["from"] == "2026-08-23"
    assert times_ordinary(many, hotspot, ~after) == pytest.approx(1, abs=0.25)
    assert times_ordinary(many, hotspot, after) == pytest.approx(hotspot["multiplier"], rel=0.25)


def test_the_fading_hotspot_fades(many: Demonstration) -> None:
    (hotspot,) = hotspots(many, "fading")
    begin = of_layer(many, hotspot["layer"])["occurred_from"].to_numpy()
    years = [(begin >= utc(f"{year}-11-22")) & (begin < utc(f"{year + 1}-11-22")) for year in (2023, 2024, 2025)]
    first, second, third = (times_ordinary(many, hotspot, year) for year in years)
    assert first > 1.5 * second > 2 * third
    assert times_ordinary(many, hotspot, begin >= utc(hotspot["to"])) == pytest.approx(1, abs=0.4)


@pytest.mark.slow
@pytest.mark.parametrize("events", [20_000, 120_000])
@pytest.mark.parametrize("area", ["middlesbrough", "cleveland"])
def test_the_overdose_spike_stands_out_in_its_fortnight(area: str, events: int) -> None:
    made = make_events(load_area(area), events=events, today=TODAY)
    spike = made.truth["spike"]
    assert (spike["from"], spike["to"]) == ("2026-11-01", "2026-11-15")
    around = of_layer(made, "overdoses")
    around = around[around["h3_09"].isin([h3.str_to_int(cell) for cell in spike["cells"]])]
    days = (local_times(around).normalize().tz_localize(None) - pd.Timestamp(spike["from"])).days
    fortnights = pd.Series(days // 14).value_counts()
    assert fortnights[0] >= spike["events"]
    assert fortnights.drop(0).max() < fortnights[0] / 2
    assert set(around["ward_code"]) >= set(spike["ward_codes"])


@dataclass(frozen=True)
class Dealing:
    """Street dealing that is known to the minute."""

    begin: NDArray[np.int64]
    tree: cKDTree

    def near(self, closure: dict[str, Any], inner_m: float, outer_m: float) -> tuple[int, float]:
        """Dealing at that distance while the closure is in force, and what the rest of the time lets one expect."""
        point = np.array([closure["lon"], closure["lat"]]) * METRES
        around = set(self.tree.query_ball_point(point, outer_m))
        begin = self.begin[sorted(around - set(self.tree.query_ball_point(point, inner_m)))]
        during = int(((begin >= closure["from_utc_s"]) & (begin < closure["to_utc_s"])).sum())
        end = min(closure["to_utc_s"], utc(TODAY))
        share = (end - closure["from_utc_s"]) / (utc(TODAY) - utc("2023-11-22"))
        return during, (len(begin) - during) * share / (1 - share)


@pytest.fixture(scope="module")
def dealing(many: Demonstration) -> Dealing:
    exact = of_layer(many, "street_dealing").query("time_precision == 'minute'")
    return Dealing(exact["occurred_from"].to_numpy(), cKDTree(exact[["lon", "lat"]].to_numpy() * METRES))


@pytest.mark.slow
def test_dealing_falls_near_closures_while_they_are_in_force(many: Demonstration, dealing: Dealing) -> None:
    closures = many.truth["closures"]
    assert len(closures) == 600
    counts = np.array([dealing.near(closure, 0, closure["radius_m"] - 10) for closure in closures])
    planted = 1 - np.mean([closure["dealing_reduction"] for closure in closures])
    assert counts[:, 0].sum() / counts[:, 1].sum() == pytest.approx(planted, abs=0.08)
    beyond = np.array([dealing.near(closure, 700, 1000) for closure in closures])
    assert beyond[:, 0].sum() / beyond[:, 1].sum() == pytest.approx(1, abs=0.08)


def test_one_closure_displaces_dealing_into_a_ring(many: Demonstration, dealing: Dealing) -> None:
    (closure,) = [closure for closure in many.truth["closures"] if closure["displacement_ring"]]
    ring = closure["displacement_ring"]
    during, expected = dealing.near(closure, closure["radius_m"], ring["outer_m"])
    assert ring["multiplier"] == 1.8
    assert during > 1.3 * expected
    assert closure["to_utc_s"] < utc(TODAY)


def test_an_event_raises_the_chance_of_another_nearby_for_some_days(many: Demonstration) -> None:
    finds = of_layer(many, "needle_litter").iloc[:20_000]
    near = cKDTree(finds[["lon", "lat"]].to_numpy() * METRES).query_pairs(
        many.truth["near_repeats"]["within_m"], output_type="ndarray"
    )
    days = np.abs(np.diff(finds["occurred_from"].to_numpy()[near], axis=1)).ravel() / 86_400
    soon, later = ((days > 0.5) & (days <= 5.5)).sum(), ((days > 20.5) & (days <= 25.5)).sum()
    assert soon > 1.05 * later


def test_each_layer_has_its_rhythm(many: Demonstration) -> None:
    needles, dealing, overdoses = (
        exact_times(many, layer) for layer in ("needle_litter", "street_dealing", "overdoses")
    )
    assert ((needles.hour >= 6) & (needles.hour < 12)).mean() > 0.5
    assert (needles.day_of_week >= 5).mean() < 0.24
    assert ((dealing.hour >= 15) & (dealing.hour < 23)).mean() > 0.6
    assert np.bincount(dealing.day_of_week).argmax() == 4
    assert ((overdoses.hour >= 19) | (overdoses.hour < 5)).mean() > 0.55
    assert np.bincount(overdoses.day_of_week).argmax() == 5


def test_compact_wards_are_denser(many: Demonstration) -> None:
    wards = load_area("middlesbrough").wards
    area = pd.Series([polygon.area for polygon in wards.polygons], index=list(wards.codes))
    density = many.frame["ward_code"].value_counts() / area
    assert np.corrcoef(np.log(area), np.log(density.reindex(area.index)))[0, 1] < -0.7


def test_the_truth_says_that_it_is_none() -> None:
    truth = make_events(load_area("county-durham"), events=500, today=TODAY).truth
    assert truth["notice"] == "Synthetic events for demonstration. They describe nobody and no real place."
    assert truth["area"] == "county-durham"
    assert truth["near_repeats"] == {
        "layers": ["needle_litter", "street_dealing"], "within_m": 150, "within_days": 10,
    }  # fmt: skip

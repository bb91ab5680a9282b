"""Two stores that differ only in what no block tells give the same bytes: directory, site, and what the command says.

The strongest of the attacks: whatever an attacker could compute from a release, he would compute from the other too.
Histories of real wards are changed event by event as long as the rule publishes the same; ids, texts, quantities,
times within a period, order, files and the days of loading are changed with them.
"""

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from hexbeat.dashboard.public.advice import Contact
from hexbeat.dashboard.public.site import build_site_files
from hexbeat.release.format import Release
from hexbeat.release.policy import load_policy
from tests.support.releases import Publisher
from tests.support.small_town import History, Town, frame_of, made_history, make_area, published, wander

PERIODS = {"needle_litter": "2025-Q2", "street_dealing": "2025-Q3", "overdoses": "2025", "closed_properties": "2025"}
STARTS = {"2025-Q2": dt.date(2025, 4, 1), "2025-Q3": dt.date(2025, 7, 1), "2025": dt.date(2025, 1, 1)}
POLICY = replace(load_policy(), first=dt.date(2025, 1, 1))
HOME = tempfile.TemporaryDirectory()
TOWN = Town.of(make_area(Path(HOME.name), "three-wards"), POLICY)


def release_of(history: History, folder: Path, rng: np.random.Generator, prefix: str) -> dict[str, bytes]:
    """Every byte that a publisher with this history hands out, loads on days of its own and in its own order."""
    publisher = Publisher(folder / "home", area=TOWN.area)
    publisher.policy = POLICY
    sources = {"street_dealing": "police-uk-street"}
    for (layer, period), spots in sorted(history.items(), key=lambda _: rng.random()):
        days = 365 if period == "2025" else 90
        frame = frame_of(TOWN, spots, layer=layer, start=STARTS[period], days=days, rng=rng,
                         source=sources.get(layer, "table"), prefix=prefix)  # fmt: skip
        frame = frame.sample(frac=1, random_state=int(rng.integers(1000)))
        source = sources.get(layer, "table")
        publisher.load(frame, now=f"2026-0{rng.integers(1, 4)}-02", name=f"{prefix}{layer}.csv", source=source)
    publisher.publish(folder / "out", as_at="2027-01-01", now=f"2027-01-0{rng.integers(2, 9)}")
    site = build_site_files(Release.read(folder / "out"), contact=Contact())
    written = {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}
    return written | {f"site/{name}": content for name, content in site.items()}


def leaf_counts(history: History) -> list[list[int]]:
    fine = TOWN.leaf["fine"]
    return [np.bincount(fine[history[key]], minlength=fine.max() + 1).tolist() for key in sorted(history)]


@pytest.mark.slow
@example(87)  # officers' records in one store only
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8)
def test_stores_that_publish_the_same_give_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    history = made_history(TOWN, POLICY, PERIODS, rng)
    other = wander(TOWN, POLICY, history, rng, steps=200)
    assume(leaf_counts(other) != leaf_counts(history))
    with tempfile.TemporaryDirectory() as folder:
        one = release_of(history, Path(folder) / "one", rng, "a")
        two = release_of(other, Path(folder) / "two", rng, "b")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


@pytest.mark.slow
def test_the_histories_compared_are_far_apart_and_publish_much() -> None:
    """Without this the test above could compare a store with itself, or two empty releases."""
    apart, shown = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        history = made_history(TOWN, POLICY, PERIODS, rng)
        other = wander(TOWN, POLICY, history, rng, steps=100)
        apart.append(np.abs(np.array(leaf_counts(history)) - np.array(leaf_counts(other))).sum())
        shown.append(
            sum(len(published(TOWN, layer, history[layer.name, PERIODS[layer.name]])) for layer in POLICY.layers)
        )
    assert np.median(apart) > 30
    assert np.median(shown) >= 10


@pytest.mark.slow
def test_a_store_that_publishes_otherwise_gives_other_bytes(tmp_path: Path) -> None:
    """The comparison itself can fail: one event more in a number is seen."""
    history: History = {(layer.name, PERIODS[layer.name]): [] for layer in POLICY.layers}
    one = release_of(history | {("needle_litter", "2025-Q2"): [7] * 5}, tmp_path / "1", np.random.default_rng(1), "a")
    two = release_of(history | {("needle_litter", "2025-Q2"): [7] * 6}, tmp_path / "2", np.random.default_rng(1), "a")
    different = [name for name in one if one[name] != two[name]]
    assert {"blocks.csv", "checksums.txt"} <= set(different)
    assert not {"README.txt", "release.json", "places.csv", "outlines.geojson"} & set(different)

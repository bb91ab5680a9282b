"""The attackers of the benchmark, on towns where it can be said by hand what they learn."""

import numpy as np
import pandas as pd

from bench.attackers import Case, count_by_one_partner, count_by_ward_totals, count_candidates, measure_plants
from hexbeat.release.release_places import PlaceTree
from tests.support.releases import example_release, fine_places

FINE = tuple(fine_places())
PARENT = np.array([next((k for k, up in enumerate(FINE) if up.place_id == place.parent_id), -1) for place in FINE])


def build_case(counts: list[int], *, public: int = 0) -> Case:
    """A quarter with these events of the eight pieces, so many of each piece's by the public."""
    leaf = np.repeat(np.arange(8), counts)
    order = np.concatenate([np.arange(number) for number in counts])
    frame = pd.DataFrame({"leaf": leaf, "reported_by": np.where(order < public, "public", "officer")})
    every = np.array([*counts, *[0] * (len(FINE) - 8)], dtype=np.int64)
    return Case(example_release().layer("needle_litter"), PlaceTree(FINE, PARENT, {}), frame, every)


def test_true_ward_totals_tell_what_is_not_shown() -> None:
    assert count_by_ward_totals(build_case([9, 1, 1, 1, 7, 0, 0, 0])) == (
        1,
        2,
    )  # 3 more in Abbey, and nothing more in Bridge


def test_who_plants_k_less_one_reads_every_number_and_with_fewer_the_large_ones() -> None:
    cases = [build_case([1, 2, 3, 4, 0, 0, 9, 0])]
    assert [measure_plants(cases, plants) for plants in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert measure_plants([build_case([0] * 8)], 4) == 0.0


def test_who_knows_all_but_one_finds_the_last_in_a_number_and_not_among_the_hidden() -> None:
    rng = np.random.default_rng(1)
    sizes, wards = count_candidates([build_case([9, 0, 0, 0, 0, 0, 0, 0])], 5, rng)
    assert (set(sizes.tolist()), set(wards.tolist())) == ({1}, {1})
    sizes, wards = count_candidates([build_case([1, 0, 0, 0, 0, 0, 0, 0])], 5, rng)
    assert (set(sizes.tolist()), set(wards.tolist())) == ({8}, {2})


def test_one_partner_takes_its_own_events_out_of_a_number() -> None:
    assert count_by_one_partner([build_case([9, 0, 0, 0, 12, 0, 0, 0], public=6)]) == (
        1,
        2,
    )  # 3 of others in 9, 6 in 12

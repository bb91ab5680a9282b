"""The reason of a cell: each kind whole, and for every cell true."""

import datetime as dt
import re

import pytest

from hexbeat.analysis.hotspot_explanation import explain_cell
from hexbeat.analysis.hotspot_map import HotspotMap, build_hotspot_map
from hexbeat.analysis.study import load_study
from layers.filters import Filter
from layers.wording import format_about
from tests.support.demonstrations import TODAY, demonstration, middlesbrough

FOUR_WEEKS = Filter(layers=("needle_litter",), start=TODAY - dt.timedelta(days=28), end=TODAY)


def found(chosen: Filter, resolution: int = 9) -> HotspotMap:
    columns, _ = demonstration()
    return build_hotspot_map(columns, chosen, load_study(middlesbrough(), (), resolution), trend=False, method="gi")


def first(one: HotspotMap, start: str, ending: str) -> str:
    """The first reason, the surest cells first, that begins and ends so."""
    cells = one.rows.sort_values(["q_value", "cell"])["cell"]
    reasons = (explain_cell(one, cell) for cell in cells)
    return next(text for text in reasons if text.startswith(start) and text.endswith(ending))


AROUND = "in this cell and the 6 that touch it in 28 days. As many cells"
AVERAGE = "away from the clearest hotspots have 1.5 on average."
SURE = "By chance, fewer than 1 in 1,000 maps would have as many here."
TOO_OFTEN = "By chance, about 1 in 350 maps would have as many here, too often to be sure among 667 cells."
DEALING = Filter(layers=("street_dealing",))
MORNINGS = Filter(layers=("needle_litter",), start=dt.date(2025, 11, 22), hours=(6, 14), measure="quantity")


@pytest.mark.parametrize(
    ("chosen", "verdict", "numbers", "end"),
    [
        (FOUR_WEEKS, "A hotspot", f"30 needle finds {AROUND} {AVERAGE}", f" {SURE}"),
        (FOUR_WEEKS, "Not a hotspot", f"10 needle finds {AROUND} {AVERAGE}", f" {TOO_OFTEN}"),
        (
            FOUR_WEEKS,
            "Not a hotspot",
            f"10 needle finds {AROUND} {AVERAGE}",
            f" {TOO_OFTEN} Most lie in one cell.",
        ),
        (
            FOUR_WEEKS,
            "Too few events to say",
            f"7 needle finds {AROUND} {AVERAGE}".replace("the 6", "the 4").replace("1.5", "1"),
            " Even six times as many might not stand out.",
        ),
        (FOUR_WEEKS, "No clear difference", f"0 needle finds {AROUND} anywhere here have 2.3 on average.", ""),
        (
            DEALING,
            "A cold spot",
            f"0 reports of street dealing {AROUND} {AVERAGE}".replace("28", "1,096")
            .replace("hotspots", "cold spots")
            .replace("1.5", "about 88"),
            " By chance, fewer than 1 in 1,000 maps would have as few here.",
        ),
        (
            MORNINGS,
            "A hotspot",
            f"about 621 needles {AROUND} {AVERAGE}".replace("28 days", "365 days (at the chosen hours)").replace(
                "1.5", "about 45"
            ),
            f" {SURE}",
        ),
    ],
)
def test_each_kind_of_reason(chosen: Filter, verdict: str, numbers: str, end: str) -> None:
    assert first(found(chosen), f"{verdict}: ", f"on average.{end}") == f"{verdict}: {numbers}{end}"


def test_nothing_to_compare() -> None:
    long_ago = Filter(layers=("overdoses",), start=dt.date(2019, 1, 1), end=dt.date(2019, 2, 1))
    one = found(long_ago)
    assert explain_cell(one, str(one.rows["cell"][0])) == (
        "The records of overdoses do not cover this time, so there is nothing to compare."
    )
    night = found(Filter(layers=("overdoses",), start=dt.date(2026, 11, 20), end=dt.date(2026, 11, 21), hours=(4, 5)))
    assert night.total == 0
    assert explain_cell(night, str(night.rows["cell"][0])) == (
        "There are no overdoses on this map on 20 Nov 2026 (at the chosen hours), so there is nothing to compare."
    )


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [8, 9])
@pytest.mark.parametrize("layer", ["needle_litter", "overdoses", "closed_properties"])
def test_every_sentence_says_what_the_row_says(layer: str, resolution: int) -> None:
    one = found(Filter(layers=(layer,), start=dt.date(2026, 6, 1)), resolution)
    for row in one.rows.to_dict("records"):
        text = explain_cell(one, row["cell"])
        match = re.match(r"[\w ]+: (.*) .* in this cell( and the (\d|one) that touch(es)? it)? in 17\d days\. ", text)
        assert match is not None
        number = format_about(row["neighbourhood"])
        assert match[1].startswith(f"{number} ") or match[1] == number
        assert text.startswith("A hotspot: ") == (row["hotspot"] == "hot" and row["count"] > 0)
        assert text.startswith("Part of a hotspot: ") == (row["hotspot"] == "hot" and row["count"] == 0)
        assert ("None of them lie in this cell itself." in text) == text.startswith("Part of a hotspot: ")
        assert text.startswith("A cold spot: ") == (row["hotspot"] == "cold")
        assert ("fewer than 1 in 1,000" in text) <= (row["p_value"] < 0.001)
        assert ("as few" in text) <= (row["leans"] == "cold")


def test_what_else_was_asked_for_is_said() -> None:
    chosen = Filter(
        layers=("needle_litter",),
        start=TODAY - dt.timedelta(days=1),
        end=TODAY,
        days=frozenset({5}),
        reported_by=("sweep", "public"),
        categories=("found in a sweep", "found on public ground"),
    )
    one = found(chosen)
    text = explain_cell(one, str(one.rows["cell"][0]))
    assert (
        " on 21 Nov 2026 (on the chosen weekdays, category found in a sweep or found on public ground, "
        "reported by the public and sweeps). As many cells "
    ) in text


def test_a_cell_that_is_not_there_is_a_fault_of_the_caller() -> None:
    with pytest.raises(KeyError, match=r"^'8919465'$"):
        explain_cell(found(FOUR_WEEKS), "8919465")

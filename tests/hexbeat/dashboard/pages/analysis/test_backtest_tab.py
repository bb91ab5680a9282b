from datetime import date
from functools import cache

import pandas as pd

from hexbeat.analysis.backtest import Backtest, backtest
from hexbeat.analysis.near_repeats import RepeatTable, build_near_repeats
from hexbeat.analysis.study import load_study
from hexbeat.dashboard.pages.analysis.backtest_tab import describe_leads, render_backtest, render_repeats
from layers.catalogue import find_layer
from layers.filters import Filter
from tests.support.demonstrations import TODAY, demonstration, middlesbrough


@cache
def run_backtest_of_overdoses() -> Backtest:
    return backtest(demonstration()[0], middlesbrough(), "overdoses", weeks=8, resolutions=(8, 9))


def rows_of(html: str) -> list[str]:
    return html.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0].split("</tr>")[:-1]


def test_every_method_and_size_has_its_row_and_the_best_stands_first() -> None:
    rows = rows_of(render_backtest(run_backtest_of_overdoses()))
    assert len(rows) == 8
    assert 'class="hb-selected"' in rows[0]
    assert "(selected)" in rows[0]
    assert not any("(selected)" in row for row in rows[1:])


def test_gi_star_has_no_ratio_of_predicted_to_observed_and_shows_a_dash() -> None:
    rows = [row for row in rows_of(render_backtest(run_backtest_of_overdoses())) if "Gi* of the last 4 weeks" in row]
    assert all(row.endswith('<td class="hb-number">\N{EN DASH}</td>') for row in rows)


def test_each_rival_is_said_with_its_interval() -> None:
    sentences = describe_leads(run_backtest_of_overdoses())
    assert len(sentences) == 3
    assert all(line.startswith("Ahead of the ") for line in sentences)
    assert all(line.endswith((": more than chance.", ": chance alone might explain this.")) for line in sentences)


def test_progress_is_told_for_each_resolution_in_turn() -> None:
    steps: list[tuple[int, int]] = []
    backtest(
        demonstration()[0],
        middlesbrough(),
        "overdoses",
        weeks=1,
        resolutions=(8, 9),
        progress=lambda resolution, place: steps.append((resolution, place)),
    )
    assert steps == [(8, 0), (9, 1)]


def test_near_repeats_are_distances_by_days() -> None:
    chosen = Filter(layers=("needle_litter",), start=date(2026, 8, 24), end=TODAY)
    repeats = build_near_repeats(demonstration()[0], chosen, load_study(middlesbrough(), (), 9))
    html = render_repeats(repeats)
    assert len(rows_of(html)) == 5
    assert '<th scope="row">the same place</th>' in html
    assert '<th scope="row">up to 100 m</th>' in html
    assert '<th scope="col" class="hb-number">2 to 6 days</th>' in html
    assert html.count(" raised</b>") == int(repeats.rows["raised"].sum()) > 0


def test_a_band_without_pairs_says_so() -> None:
    rows = pd.DataFrame(
        {
            "from_m": [0.0], "to_m": [1.0], "from_days": [0.0], "to_days": [2.0],
            "observed": [0], "expected": [0.0], "ratio": [float("nan")], "raised": [False],
        }
    )  # fmt: skip
    repeats = RepeatTable(find_layer("overdoses"), rows, 20, 0, None, 999, None, None, "", ())
    assert '<td class="hb-number">no pairs</td>' in render_repeats(repeats)

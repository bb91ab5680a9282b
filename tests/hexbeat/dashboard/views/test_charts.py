import re

import numpy as np
import pandas as pd

from hexbeat.dashboard.views.charts import render_grid, render_months


def test_the_grid_is_a_table_that_holds_every_number() -> None:
    grid = np.zeros((7, 24))
    grid[4, 22], grid[0, 3], grid[6, 0] = 10.0, 2.0, 0.4
    page = render_grid(grid, caption="<b>Needles</b>")
    assert page.count("<tr>") == 8
    assert page.count("<td class=") == 7 * 24
    assert 'title="Friday 22:00, 10"' in page
    assert re.findall(r'class="hb-s([1-5])" title="(\w+ \d\d:00)', page) == [
        ("1", "Monday 03:00"),
        ("5", "Friday 22:00"),
    ]
    assert "&lt;b&gt;Needles&lt;/b&gt;" in page


def test_an_empty_grid_is_empty() -> None:
    assert "hb-s1" not in render_grid(np.zeros((7, 24)), caption="")


def test_months_are_bars_with_their_numbers_and_the_chosen_ones_are_marked() -> None:
    counts = pd.Series([5.0, 0.0, 2.5], index=["2025-12", "2026-01", "2026-02"])
    page = render_months(counts, caption="By month", chosen=["2026-02"])
    assert re.findall(r"height:([\d.]+)%", page) == ["100.0", "0.0", "50.0"]
    assert page.count('class="hb-chosen"') == 1
    assert "Jan<br>2026" in page
    assert re.findall(r"<td><span>(.*?)</span><i", page) == ["5", "0", '<span class="hb-sr">about </span>3']
    assert "not known" not in page


def test_a_month_that_is_not_known_is_a_gap_and_never_nought() -> None:
    counts = pd.Series([5.0, np.nan, 2.0], index=["2024-02", "2024-03", "2024-04"])
    page = render_months(counts, ("known", "not known", "partly known"), caption="By month", chosen=["2024-03"])
    assert (
        '<tr class="hb-unknown hb-chosen"><th scope="row">Mar<br></th>'
        '<td title="not known"><span class="hb-sr">not known</span><i></i></td></tr>'
    ) in page
    assert '<tr class="hb-part"><th scope="row">Apr<br></th><td><span>2*' in page
    assert page.endswith(
        "Hatched: not known, because no records cover the month. Marked with *: only a part of the month is known.</p>"
    )
    assert re.findall(r"height:([\d.]+)%", page) == ["100.0", "40.0"]


def test_months_without_anything_have_no_bars() -> None:
    assert "height:0.0%" in render_months(pd.Series([0.0], index=["2026-01"]), caption="")

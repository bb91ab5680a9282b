"""The tables under the map."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.dashboard.pages.map import tabs


def draw_many_cells(rows: int) -> None:
    import numpy as np  # noqa: PLC0415 - the script of a page has its own imports
    import pandas as pd  # noqa: PLC0415

    from hexbeat.dashboard.pages.map.tabs import draw_frame  # noqa: PLC0415

    numbers = np.arange(rows)
    frame = pd.DataFrame({"Rank": numbers + 1, "Place": "Somewhere", "Finds": numbers / 4.0, "Change": -1.0})
    draw_frame(frame, key="table")


@pytest.mark.parametrize("rows", [3, 70_000])
def test_a_table_is_drawn_however_many_cells_there_are(rows: int) -> None:
    """Streamlit refuses texts beside the numbers of more than 262,144 of them."""
    page = AppTest.from_function(draw_many_cells, kwargs={"rows": rows}, default_timeout=60).run()
    assert not page.exception
    table = page.dataframe[0].value
    assert (len(table), list(table.columns)) == (rows, ["Rank", "Place", "Finds", "Change"])
    assert table["Finds"].iloc[2] == 0.5


@pytest.mark.parametrize(
    ("rows", "step", "lazy"), [(2_000, 1.0, False), (20_000, 1.0, True), (20_000, 0.25, False), (70_000, 0.25, True)]
)
def test_of_a_long_table_only_the_rows_looked_at_are_sent(
    monkeypatch: pytest.MonkeyPatch, rows: int, step: float, *, lazy: bool
) -> None:
    """Numbers with words, as in "about 58", come with all their rows, as long as Streamlit takes their texts."""
    drawn: list[bool] = []
    monkeypatch.setattr(tabs, "draw_sortable_frame", lambda *_, lazy=False, **__: drawn.append(lazy))
    numbers = np.arange(rows)
    tabs.draw_frame(pd.DataFrame({"Rank": numbers + 1, "Place": "Somewhere", "Finds": numbers * step}), key="table")
    assert drawn == [lazy]


def test_the_number_comes_before_the_names_which_fill_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[pd.DataFrame] = []
    monkeypatch.setattr(tabs, "draw_sortable_frame", lambda frame, **_: drawn.append(frame.data))
    table = pd.DataFrame({"Rank": [1], "Place": "A", "Ward": "B", "Needle finds": [2.0], "Overdoses": 1.0, "Cell": "c"})
    table.attrs["hidden"] = {"Needle finds": "not shown"}
    tabs.draw_frame(table, key="table")
    assert list(drawn[0].columns) == ["Rank", "Needle finds", "Place", "Ward", "Overdoses", "Cell"]
    assert drawn[0].attrs == table.attrs
    assert list(table.columns)[:3] == ["Rank", "Place", "Ward"]  # of files


def test_a_comparison_that_there_is_not_does_not_keep_a_table_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(
        tabs, "draw_sortable_frame", lambda frame, *, lazy=False, **_: drawn.append((list(frame.columns), lazy))
    )
    numbers = np.arange(20_000)
    table = pd.DataFrame({"Rank": numbers + 1, "Finds": numbers * 1.0, "Period before": np.nan, "Change": np.nan})
    tabs.draw_frame(table, key="table")
    tabs.draw_frame(table.assign(Finds=np.nan), key="table")  # "not known" has words
    assert [lazy for _, lazy in drawn] == [True, False]
    assert drawn[0][0] == ["Rank", "Finds"]

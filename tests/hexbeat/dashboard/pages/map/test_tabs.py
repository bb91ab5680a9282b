"""The tables under the map."""

import pytest
from streamlit.testing.v1 import AppTest


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

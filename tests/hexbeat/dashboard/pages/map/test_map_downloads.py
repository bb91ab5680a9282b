import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from hexbeat.areas.area import Area
from hexbeat.dashboard.pages.map.map_downloads import (
    About,
    build_csv,
    build_geojson,
    build_geoparquet,
    build_xlsx,
    format_file_stem,
)
from hexbeat.dashboard.state.figures import LayerFigures
from hexbeat.dashboard.state.freshness import Freshness
from hexbeat.dashboard.views.tables import build_export_rows
from layers.catalogue import find_layer

CELL = "89194654833ffff"
ABOUT = About(
    sentences=("312 needle finds.",),
    notes=("24 are shared.",),
    attribution="Office for National Statistics",
    mark=None,
    made_on=date(2026, 11, 22),
    resolution=9,
)
DEMONSTRATION = replace(ABOUT, mark="synthetic events, not real")


def figures_of(ward_name: str = "Central", count: float = 4.0) -> LayerFigures:
    cells = pd.DataFrame(
        {
            "rank": [1],
            "cell": [CELL],
            "ward_code": ["E05009857"],
            "ward_name": [ward_name],
            "count": [count],
            "before": [float("nan")],
        }
    )
    reach = Freshness("needle_litter", 1, ((date(2020, 1, 1), date(2026, 11, 22)),))
    spec = find_layer("needle_litter")
    return LayerFigures(spec, date(2026, 10, 25), date(2026, 11, 22), count, None, 0, 0, cells, reach)


def rows_of(ward_name: str = "Central", count: float = 4.0) -> pd.DataFrame:
    return build_export_rows([figures_of(ward_name, count)])


def test_csv_is_the_table_with_numbers_as_they_are() -> None:
    assert build_csv(rows_of(count=4.5), ABOUT).decode() == (
        f"layer,cell,ward_code,ward_name,count,before\nneedle_litter,{CELL},E05009857,Central,4.5,\n"
    )


SIGNED_NUMBER = r"[+-]([0-9]+|[0-9]*[.,][0-9]+)([eE][+-]?[0-9]+)?"  # runs nothing and stays as it is


@pytest.mark.slow
@given(st.sampled_from("=+-@\t\r"), st.text())
def test_no_cell_of_a_csv_is_a_formula(start: str, rest: str) -> None:
    frame = pd.read_csv(io.BytesIO(build_csv(rows_of(start + rest), ABOUT)), dtype=str, keep_default_na=False)
    assert frame["ward_name"].iloc[0].startswith("'") or re.fullmatch(SIGNED_NUMBER, start + rest)


def test_xlsx_holds_no_formula_and_no_link() -> None:
    for name in ("=1+1", "http://example.org/x", "internal:Sheet1!A1", "<img src=x onerror=alert(1)>"):
        content = build_xlsx(rows_of(name), ABOUT)
        parts = zipfile.ZipFile(io.BytesIO(content))
        sheets = "".join(parts.read(part).decode() for part in parts.namelist() if "sheet" in part)
        assert "<f>" not in sheets
        assert "hyperlink" not in sheets


def test_xlsx_says_what_it_is() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(build_xlsx(rows_of(), DEMONSTRATION)))
    assert book.sheet_names == ["Cells", "About"]
    assert book.get_sheet_by_name("Cells").to_python() == [
        ["layer", "cell", "ward_code", "ward_name", "count", "before", "demonstration"],
        ["needle_litter", CELL, "E05009857", "Central", 4.0, "", "synthetic events, not real"],
    ]
    about = dict(book.get_sheet_by_name("About").to_python())
    assert about["demonstration"] == "synthetic events, not real"
    assert about["left_out_or_shared"] == "24 are shared."


def test_geojson_is_hexagons_that_say_where_they_come_from(area: Area) -> None:
    collection = json.loads(build_geojson(rows_of("</script>"), DEMONSTRATION, area))
    assert collection["metadata"]["attribution"] == "Office for National Statistics"
    assert collection["features"][0]["properties"]["ward_name"] == "</script>"
    assert collection["features"][0]["properties"]["demonstration"] == "synthetic events, not real"
    assert len(collection["features"][0]["geometry"]["coordinates"][0]) == 7


def test_geoparquet_is_read_back_with_its_crs(area: Area, tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    path.write_bytes(build_geoparquet(rows_of(), ABOUT, area))
    frame = geopandas.read_parquet(path)
    assert frame.crs == "EPSG:4326"
    assert frame[["layer", "cell", "count"]].to_numpy().tolist() == [["needle_litter", CELL, 4.0]]


def test_a_file_name_has_our_own_words_only(area: Area) -> None:
    stem = format_file_stem([figures_of("../../etc/passwd")], area)
    assert stem == "hexbeat-middlesbrough-needle_litter-2026-10-25-to-2026-11-21"
    assert (
        format_file_stem([figures_of(), figures_of()], area)
        == "hexbeat-middlesbrough-2-layers-2026-10-25-to-2026-11-21"
    )
    assert format_file_stem([figures_of()], area, "hotspots") == (
        "hexbeat-middlesbrough-needle_litter-hotspots-2026-10-25-to-2026-11-21"
    )

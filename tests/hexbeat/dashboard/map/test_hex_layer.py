import json
from base64 import b64decode
from typing import Any

import folium
import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo.errors import UsageError
from hexbeat.dashboard.map.assets import format_script_json
from hexbeat.dashboard.map.hex_layer import (
    CellStyle,
    Frames,
    HexLayer,
    MapMark,
    build_outlines,
    find_corners,
    pack_values,
)
from hexbeat.documents.maps.scales import build_change_scale, build_count_scale

MIDDLESBROUGH = h3.latlng_to_cell(54.574, -1.235, 9)
# Two icosahedron faces meet here: h3 gives the cells on the edge between them more than six corners.
ON_A_FACE_EDGE = next(
    cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, 3) if len(h3.cell_to_boundary(cell)) > 6
)
HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} `x` </script> {{ 7*7 }} {% raw %} {# \u2028 \"'"


def disk(cell: int, size: int) -> NDArray[np.uint64]:
    return np.array(h3.grid_disk(cell, size), dtype=np.uint64)


def layer(cells: NDArray[np.uint64], values: Any, **options: Any) -> HexLayer:
    spoken = {name: options.pop(name) for name in [*options] if name in CellStyle.__dataclass_fields__}
    style = CellStyle(**{"scale": build_count_scale(31), "title": "Finds", "unit": "finds", **spoken})
    return HexLayer(cells, values, style, **options)


def unpacked(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(b64decode(text), dtype=kind)


def read_values(data: dict[str, Any]) -> NDArray[np.float64]:
    """As the browser reads them: several to a byte where they have fewer than eight bits, the first in the highest."""
    bits, periods = data["bits"], len(data["frames"]["labels"]) if data["frames"] else 1
    count = count_cells(data["geometry"]) * periods
    if bits < 8:
        each = np.unpackbits(unpacked(data["values"], "u1")).reshape(-1, bits)
        numbers = (each @ (1 << np.arange(bits)[::-1]))[:count]
    else:
        numbers = unpacked(data["values"], f"<u{bits // 8}")
    assert len(numbers) == count
    return (numbers.astype(np.float64) + data["offset"]) / data["divisor"]


def count_cells(geometry: dict[str, Any]) -> int:
    if "parts" in geometry:
        return sum(map(count_cells, geometry["parts"]))
    if "mask" in geometry:
        return int(np.unpackbits(unpacked(geometry["mask"], "u1")).sum())
    return len(unpacked(geometry["offsets"], f"<i{geometry['width']}")) // 12


def lattice_centres(geometry: dict[str, Any]) -> NDArray[np.float64]:
    """(lat, lon) in degrees of each set bit, as the browser works them out."""
    size = geometry["width"] * geometry["height"]
    place = np.flatnonzero(np.unpackbits(unpacked(geometry["mask"], "u1"))[:size])
    i, j = np.divmod(place, geometry["height"])
    x, y, z = np.array(geometry["matrix"]).reshape(3, 3) @ [i, j, np.ones(len(i))]
    return np.degrees([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)]).T


def test_a_lattice_carries_the_cells_and_each_value_stays_with_its_cell() -> None:
    cells = disk(MIDDLESBROUGH, 20)
    values = np.arange(1, len(cells) + 1)
    data = layer(cells, values).data()
    centres = lattice_centres(data["geometry"])
    drawn_cells = [h3.latlng_to_cell(lat, lon, 9) for lat, lon in centres]
    assert dict(zip(drawn_cells, read_values(data).tolist(), strict=True)) == dict(
        zip(cells.tolist(), values.tolist(), strict=True)
    )
    exact = np.array([h3.cell_to_latlng(cell) for cell in drawn_cells])
    assert np.abs(centres - exact).max() < 1e-9


@pytest.mark.parametrize(("cells", "limit"), [(5_000, 2_200), (20_000, 8_000)])
def test_geometry_is_a_fraction_of_the_index_strings(cells: int, limit: int) -> None:
    neighbours = disk(h3.latlng_to_cell(54.574, -1.235, 10), 90)[:cells]
    geometry = layer(neighbours, np.ones(cells)).data()["geometry"]
    assert len(json.dumps(geometry)) < limit


def test_cells_below_the_first_class_are_not_sent() -> None:
    cells = disk(MIDDLESBROUGH, 1)
    hex_layer = layer(cells, [0, 1, 0, 2, 0, 0, 3], outlined=[True, False, True, True, False, False, False])
    assert sorted(read_values(hex_layer.data())) == [1, 2, 3]
    assert hex_layer.outlined is not None
    assert hex_layer.outlined.tolist() == [False, True, False]


def test_no_cells_at_all_are_an_empty_layer() -> None:
    data = layer(np.array([], dtype=np.uint64), []).data()
    assert (data["values"], data["resolution"], data["geometry"]["offsets"]) == ("", None, "")


def test_marks_follow_their_cells() -> None:
    cells = disk(MIDDLESBROUGH, 5)
    marked = np.arange(len(cells)) % 3 == 0
    data = layer(cells, np.ones(len(cells)), outlined=marked).data()
    bits = np.unpackbits(unpacked(data["outlined"], "u1"))[: len(cells)].astype(bool)
    drawn_cells = np.array([h3.latlng_to_cell(lat, lon, 9) for lat, lon in lattice_centres(data["geometry"])])
    assert set(drawn_cells[bits].tolist()) == set(cells[marked].tolist())


def test_dashed_lines_follow_their_cells_too_and_classes_have_names() -> None:
    cells = disk(MIDDLESBROUGH, 1)
    marked = np.arange(len(cells)) == 3
    data = layer(cells, np.ones(len(cells)), dashed=marked, names=("one",) * 5, swatches=("hatched",) * 5).data()
    bits = np.unpackbits(unpacked(data["dashed"], "u1"))[: len(cells)].astype(bool)
    drawn_cells = np.array([h3.latlng_to_cell(lat, lon, 9) for lat, lon in lattice_centres(data["geometry"])])
    assert set(drawn_cells[bits].tolist()) == {cells[3]}
    assert (data["outlined"], data["dashedLabel"], data["names"][0], data["swatches"][0]) == (
        None,
        "cold spot",
        "one",
        "hatched",
    )


def test_over_an_icosahedron_edge_there_is_a_lattice_a_face_and_outlines_of_the_cells_on_the_edge() -> None:
    cells = disk(ON_A_FACE_EDGE, 3)
    hex_layer = layer(cells, np.arange(1, len(cells) + 1))
    data = hex_layer.data()
    *lattices, outlines = data["geometry"]["parts"]
    drawn = np.concatenate([lattice_centres(part) for part in lattices])
    first, second, on_the_edge = (
        {cell for cell in cells.tolist() if tuple(h3.get_icosahedron_faces(cell)) == faces}
        for faces in sorted(
            {tuple(h3.get_icosahedron_faces(cell)) for cell in cells.tolist()}, key=lambda f: (len(f), f)
        )
    )
    found = [h3.latlng_to_cell(lat, lon, 3) for lat, lon in drawn]
    assert sorted(found) == sorted(first | second)
    edge = cells[[cell in on_the_edge for cell in cells.tolist()]]
    check_outlines(edge, outlines)
    numbers = dict(zip(cells.tolist(), range(1, len(cells) + 1), strict=True))
    assert read_values(data).tolist() == [numbers[cell] for cell in [*found, *edge.tolist()]]


def test_around_a_pentagon_the_cells_are_outlines() -> None:
    cells = disk(h3.get_pentagons(9)[0], 3)
    data = layer(cells, np.ones(len(cells))).data()
    assert "mask" not in data["geometry"]
    assert count_cells(data["geometry"]) == len(cells)


@pytest.mark.parametrize(("resolution", "width"), [(9, 2), (3, 4)])
def test_outlines_take_two_bytes_a_number_in_a_town_and_four_beyond(resolution: int, width: int) -> None:
    cells = disk(h3.latlng_to_cell(54.574, -1.235, resolution), 3)
    geometry = build_outlines(cells)
    assert geometry["width"] == width
    check_outlines(cells, geometry)


def check_outlines(cells: NDArray[np.uint64], geometry: dict[str, Any]) -> None:
    corners = (
        unpacked(geometry["offsets"], f"<i{geometry['width']}").reshape(-1, 6, 2) * geometry["step"]
        + geometry["origin"]
    )
    expected = np.array([find_corners(cell) for cell in cells.tolist()])[:, :, ::-1]
    assert np.abs(corners - expected).max() <= geometry["step"]
    assert [
        h3.latlng_to_cell(*corner.mean(axis=0)[::-1], layer_resolution(cells)) for corner in corners
    ] == cells.tolist()


def layer_resolution(cells: NDArray[np.uint64]) -> int:
    return h3.get_resolution(int(cells[0]))


def test_a_pentagon_repeats_its_last_corner() -> None:
    corners = find_corners(h3.get_pentagons(6)[0])
    assert len(corners) == 6
    assert len(set(corners)) == 5


@pytest.mark.slow
@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_whole_numbers_are_exact_in_as_few_bits_as_hold_them(values: list[int]) -> None:
    numbers = pack_values(np.array(values, dtype=np.float64))
    assert numbers.divisor == 1
    assert numbers.array.astype(np.int64).tolist() == values
    highest = max(values, default=0)
    assert numbers.array.dtype.itemsize == (1 if highest < 2**8 else 2 if highest < 2**16 else 4)
    assert numbers.bits == next(bits for bits in (1, 2, 4, 8, 16, 32) if highest < 2**bits)
    assert len(numbers.pack_bits().tobytes()) == -(-len(values) * numbers.bits // 8)


@pytest.mark.parametrize(("highest", "bits"), [(1, 1), (3, 2), (15, 4), (16, 8), (256, 16), (65_536, 32)])
def test_values_are_sent_in_the_bits_that_the_largest_needs(highest: int, bits: int) -> None:
    cells = disk(MIDDLESBROUGH, 3)
    values = 1 + np.arange(len(cells)) % highest
    values[0] = highest
    data = layer(cells, values).data()
    assert data["bits"] == bits
    assert sorted(read_values(data)) == sorted(values)


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=30))
def test_shares_and_differences_keep_a_tenth(values: list[float]) -> None:
    numbers = pack_values(np.array([*values, 0.5]))
    back = (numbers.array.astype(np.float64) + numbers.offset) / numbers.divisor
    assert np.abs(back[:-1] - values).max() <= 0.1
    assert ((back > 0) >= (np.array([*values, 0.5]) > 0)).all()


def test_a_share_under_a_tenth_is_drawn_as_a_tenth() -> None:
    numbers = pack_values(np.array([0.03, 1.25]))
    assert (numbers.array.tolist(), numbers.divisor, numbers.has_small) == ([1, 12], 10, True)


def test_differences_below_nought_are_sent_too() -> None:
    data = layer(disk(MIDDLESBROUGH, 1), [-9, -1, 0, 1, 2, 3, 300], scale=build_change_scale(300)).data()
    assert sorted(read_values(data)) == [-9, -1, 0, 1, 2, 3, 300]
    assert data["signed"]


@given(st.text())
def test_script_json_is_only_data(text: str) -> None:
    script = format_script_json({"text": [text]})
    assert json.loads(script) == {"text": [text]}
    assert script.isascii()
    assert not any(sign in script for sign in ("<", ">", "&", "{{", "{%", "{#"))


def test_a_hostile_title_comes_through_folium_as_it_was() -> None:
    hex_layer = layer(disk(MIDDLESBROUGH, 1), np.ones(7), title=HOSTILE, unit=HOSTILE, layer_id=HOSTILE)
    page = folium.Map(tiles=None)
    hex_layer.add_to(page)
    figure: Any = page.get_root()
    figure.render()
    script = figure.script.render()
    data, _ = json.JSONDecoder().raw_decode(script, script.index("L.hexLayer(") + len("L.hexLayer("))
    assert (data["title"], data["unit"], data["id"]) == (HOSTILE, HOSTILE, HOSTILE)


def test_the_chosen_cell_and_the_view_go_along() -> None:
    chosen = h3.int_to_str(MIDDLESBROUGH)
    data = layer(disk(MIDDLESBROUGH, 1), np.ones(7), selected=chosen, fit=(-1.3, 54.5, -1.1, 54.6)).data()
    assert data["selected"] == [list(corner) for corner in h3.cell_to_boundary(MIDDLESBROUGH)]
    assert data["fit"] == [[54.5, -1.3], [54.6, -1.1]]


@pytest.mark.parametrize("cell", ["", "rubbish", "ffffffffffffffff", "-1", "8919"])
def test_a_chosen_cell_that_is_none_is_refused(cell: str) -> None:
    with pytest.raises(UsageError) as caught:
        layer(disk(MIDDLESBROUGH, 1), np.ones(7), selected=cell).data()
    assert str(caught.value) == f"A chosen cell is an H3 index; {cell!r} is not an H3 index; copy one from the table"


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        layer(disk(MIDDLESBROUGH, 1), [1, 2], outlined=[True])
    assert str(caught.value) == (
        "Each cell has one value, and one mark if there are marks; there are 7 cells, 2 values and 1 marks; "
        "give arrays of one length"
    )


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        layer(disk(MIDDLESBROUGH, 0), [float("nan")])
    assert str(caught.value) == (
        "The values of cells are finite numbers; 1 of 1 are not; leave out cells without a value"
    )


def test_several_resolutions_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        layer(np.array([MIDDLESBROUGH, h3.cell_to_parent(MIDDLESBROUGH, 8)], dtype=np.uint64), [1, 1])
    assert str(caught.value) == (
        "A layer of cells has one resolution; there are resolutions 8, 9; make one layer for each"
    )


@pytest.mark.slow
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_each_period_carries_its_values_in_the_order_of_the_cells(periods: int, seed: int) -> None:
    cells = disk(MIDDLESBROUGH, 4)
    numbers = np.random.default_rng(seed).integers(0, 40, (periods, len(cells))).astype(np.float64)
    labels = tuple(f"Period {k}" for k in range(periods))
    data = layer(cells, numbers.max(axis=0), frames=Frames(labels, (True,) * periods, numbers)).data()
    drawn = [h3.latlng_to_cell(lat, lon, 9) for lat, lon in lattice_centres(data["geometry"])]
    assert data["frames"] == {"labels": labels, "known": (True,) * periods}
    sent = read_values(data).reshape(periods, len(drawn))
    expected = dict(zip(cells.tolist(), numbers.T.tolist(), strict=True))
    assert dict(zip(drawn, sent.T.tolist(), strict=True)) == {
        cell: row for cell, row in expected.items() if max(row) >= 1
    }


def test_periods_without_a_value_for_each_cell_are_refused() -> None:
    cells = disk(MIDDLESBROUGH, 1)
    with pytest.raises(UsageError) as caught:
        layer(cells, np.ones(7), frames=Frames(("Jan 2026",), (True,), np.ones((2, 7))))
    assert str(caught.value) == (
        "Each period has a label and a finite value for each cell; there are 1 labels, 7 cells, and values for (2, 7); "
        "give one row of values a label"
    )


def test_a_mark_is_sent_as_text_where_it_is() -> None:
    drawn = layer(disk(MIDDLESBROUGH, 1), np.ones(7))
    assert drawn.data()["mark"] is None
    drawn.mark = MapMark(-1.2, 54.5, HOSTILE, 7, (-1.3, 54.4, -1.1, 54.6))
    assert drawn.data()["mark"] == {
        "at": [54.5, -1.2], "name": HOSTILE, "number": 7, "bounds": [[54.4, -1.3], [54.6, -1.1]],
    }  # fmt: skip
    script = drawn.data_script()
    assert "<" not in script
    assert json.loads(script)["mark"]["name"] == HOSTILE


def test_names_stay_with_their_cells_and_are_left_out_where_they_are_many() -> None:
    cells = disk(MIDDLESBROUGH, 6)
    few = layer(cells, np.arange(1, len(cells) + 1))
    assert few.data()["places"] is None
    few.name_cells(lambda drawn: [f"{cell:x}" for cell in drawn.tolist()])
    data = few.data()
    centres = lattice_centres(data["geometry"])
    assert data["places"] == [f"{h3.latlng_to_cell(lat, lon, 9):x}" for lat, lon in centres.tolist()]
    many = layer(disk(MIDDLESBROUGH, 20), np.ones(len(disk(MIDDLESBROUGH, 20))))
    many.name_cells(lambda drawn: pytest.fail(f"{len(drawn)} names were asked for"))
    assert many.data()["places"] is None

"""Maps for paper: everything in its place, every text escaped, and classes that grey keeps apart."""

from functools import cache

import numpy as np
import pytest
import shapely
from lxml import etree

from geo.cells import find_meeting_cells
from geo.errors import UsageError
from hexbeat.areas.credits import format_credits
from hexbeat.documents.maps.area_map import Line, Mark, Outline, Ring, describe_map, render_map
from hexbeat.documents.maps.frame import choose_scale_length_m, fit_frame, widen_bounds
from hexbeat.documents.maps.map_svg import spread_points
from hexbeat.documents.maps.patterns import PATTERNS
from hexbeat.documents.maps.scales import build_count_scale
from tests.support.demonstrations import middlesbrough
from tests.support.plans import HOSTILE_TEXT

SVG = "{http://www.w3.org/2000/svg}"


@cache
def cells() -> np.ndarray:
    return find_meeting_cells(middlesbrough().wards.polygons, resolution=8)


def parsed(**choices: object) -> etree._Element:
    return etree.fromstring(render_map(middlesbrough(), **choices))  # type: ignore[arg-type] # by name


def words_of(root: etree._Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text") if node.get("aria-hidden") is None]


def test_a_map_has_its_size_its_wards_and_its_sources() -> None:
    root = parsed(width_mm=120, height_mm=150)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("120mm", "150mm", "0 0 120 150")
    assert root.get("aria-label") == describe_map(middlesbrough())
    text = " ".join(words_of(root))
    for name in ("Central", "Nunthorpe", "Marton East", "N"):
        assert name in text
    assert "2 km" in text
    assert text.endswith(format_credits(middlesbrough(), streets=True))
    sources = [node.text or "" for node in root.iter(f"{SVG}text") if node.get("font-size") == "1.9"]
    assert len(sources) > 1
    assert max(map(len, sources)) * 0.6 * 1.9 < 120  # they fit in DejaVu Serif too, which a screen without Arial has
    assert render_map(middlesbrough()) == render_map(middlesbrough())


def test_classes_differ_by_hatching_and_the_legend_has_their_numbers() -> None:
    scale = build_count_scale(31)
    root = parsed(
        cells=cells(), values=np.arange(len(cells())) % 33, scale=scale, legend_title="Needle finds in a cell"
    )
    texts = words_of(root)
    assert [word for word in texts if word in scale.labels] == list(scale.labels)
    assert "Needle finds in a cell" in texts
    assert len(set(PATTERNS[: len(scale.labels)])) == len(scale.labels)
    fills = {node.get("fill") for node in root.iter(f"{SVG}path")}
    assert set(scale.light) <= fills


def test_marks_lines_rings_and_outlines_are_drawn_where_they_are() -> None:
    middle = middlesbrough().centre
    root = parsed(
        points=[Mark(*middle, "stop", "1"), Mark(*middle, "square", "Station"), Mark(0.0, 51.5, "cross", "Far away")],
        lines=[Line(((-1.3, 54.5), (-1.2, 54.6)), "Team A", 1)],
        areas=[Outline(shapely.box(-1.25, 54.54, -1.23, 54.56), "hotspot")],
        rings=[Ring(*middle, 400.0)],
    )
    texts = words_of(root)
    assert {"1", "Station", "Team A", "hotspot"} <= set(texts)
    assert "Far away" not in texts  # outside the map
    circles = [float(node.get("r", "0")) for node in root.iter(f"{SVG}circle")]
    assert len([radius for radius in circles if radius > 3]) == 2  # the ring and its bed


def test_a_fine_outline_covers_nothing() -> None:
    box = shapely.box(-1.25, 54.54, -1.23, 54.56)
    plain, fine, strong = (
        list(parsed(areas=areas).iter(f"{SVG}path")) for areas in ([], [Outline(box, fine=True)], [Outline(box)])
    )
    assert len(fine) == len(plain) + 1
    assert len(strong) == len(plain) + 2  # with a bed
    (edge,) = [node for node in fine if node.get("stroke-width") == "0.2"]
    assert edge.get("fill") == "none"


def test_no_text_is_markup() -> None:
    point = Mark(*middlesbrough().centre, "square", f"{HOSTILE_TEXT}<script>x</script>")
    root = parsed(points=[point], alt=f'"{HOSTILE_TEXT}')
    assert f"{HOSTILE_TEXT}<script>x</script>".replace("\x07", " ") in words_of(root)
    assert {etree.QName(node).localname for node in root.iter()} <= {"svg", "path", "rect", "text", "circle", "g"}
    assert all(not name.startswith("on") for node in root.iter() for name in node.keys())  # noqa: SIM118 - lxml's attributes


def test_a_ring_is_as_large_as_it_says() -> None:
    lon, lat = middlesbrough().centre
    frame = fit_frame(widen_bounds([(lon, lat)], least_m=1000), left=0, top=0, width=100, height=100, margin=0)
    north = lat + 500 / 111_195  # metres of a degree on the sphere
    ((_, y),) = frame.to_mm([(lon, north)]).tolist()
    assert y == pytest.approx(0.0, abs=0.2)
    assert frame.metres_a_mm == pytest.approx(10.0)
    assert choose_scale_length_m(frame, longest_mm=22) == 200


def test_stops_part_until_none_covers_another_and_always_alike() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(50, 2, (12, 2))
    moved = spread_points(np.vstack([points, points[:2]]), gap=4.0)
    distances = np.hypot(*(moved[:, None] - moved[None, :]).transpose(2, 0, 1)) + np.eye(len(moved)) * 99
    assert distances.min() > 3.5
    assert (moved == spread_points(np.vstack([points, points[:2]]), gap=4.0)).all()
    far = np.array([[0.0, 0.0], [9.0, 0.0]])
    assert (spread_points(far, gap=4.0) == far).all()


def test_cells_need_values_and_a_scale() -> None:
    with pytest.raises(UsageError) as caught:
        render_map(middlesbrough(), cells=cells()[:3], values=[1, 2], scale=build_count_scale(3))
    assert str(caught.value) == (
        "Cells on a map need a value each, and a scale; there are 3 cells, 2 values and a scale; "
        "give all three, or none"
    )


def test_the_words_of_a_map_are_made_from_what_it_holds() -> None:
    description = describe_map(
        middlesbrough(), cells=3, legend_title="finds", points=[Mark(0, 0, "stop", "1")], lines=[Line(())]
    )
    assert description == (
        "Map of Middlesbrough with its 20 wards: 3 shaded cells (finds), 1 route, 1 numbered stop. The document's "
        "tables say the same."
    )

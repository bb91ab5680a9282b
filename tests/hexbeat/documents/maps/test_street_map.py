"""Streets on paper: by scale, with names that touch nothing, and their credit below the map."""

import re
from itertools import combinations

import numpy as np
import pytest
from lxml import etree

from hexbeat.areas.streets import Streets
from hexbeat.documents.maps.area_map import Mark, render_map
from hexbeat.documents.maps.frame import LabelSpace, fit_frame, widen_bounds
from hexbeat.documents.maps.street_map import draw_ground, draw_roads, draw_street_names
from tests.support.demonstrations import middlesbrough
from tests.support.plans import HOSTILE_TEXT

TOWN_CENTRE = (-1.2365, 54.5725)
SVG = "{http://www.w3.org/2000/svg}"


def build_streets(**lines: list[list[int]]) -> Streets:
    data = {"origin": [0.0, 0.0], "step": 1e-5, "names": ["Long Street", HOSTILE_TEXT], "lines": lines, "areas": {}}
    return Streets(data, {"attribution": "© Somebody", "complete": True}, "")


def render_around(metres: float, **choices: bool) -> str:
    extent = widen_bounds([TOWN_CENTRE], least_m=metres)
    return render_map(middlesbrough(), extent=extent, width_mm=150, height_mm=120, **choices).decode()  # type: ignore[arg-type]  # by name


def test_a_map_without_streets_is_as_it_was() -> None:
    frame = fit_frame((0, 0, 0.01, 0.01), left=0, top=0, width=100, height=100, margin=0)
    assert draw_ground(None, frame) + draw_roads(None, frame) + draw_street_names(None, frame, LabelSpace()) == ""
    plain = render_around(1_000, with_streets=False)
    assert "OpenStreetMap" not in plain
    assert "<g " not in plain


def test_streets_and_their_names_come_with_the_scale() -> None:
    near, far = render_around(800), render_around(12_000)
    assert "Southfield Road" in near
    assert "Southfield Road" not in far
    for page in (near, far):
        assert '<g opacity="0.75">' in page
        assert "Streets partly shown. © OpenStreetMap contributors" in page


def test_names_stand_apart_and_are_never_upside_down() -> None:
    root = etree.fromstring(render_around(900).encode())
    names = [node for node in root.iter(f"{SVG}g") if node.get("transform")]
    assert len(names) > 10
    numbers = [[float(part) for part in re.findall(r"-?[\d.]+", node.get("transform") or "")] for node in names]
    assert all(abs(angle) <= 90 for angle, _, _ in numbers)
    assert all(np.hypot(a[1] - b[1], a[2] - b[2]) > 2 for a, b in combinations(numbers, 2))


def test_a_name_does_not_cover_a_stop() -> None:
    streets = build_streets(main=[[0, 0, 0, 1000, 0]])
    frame = fit_frame((0, -0.005, 0.01, 0.005), left=0, top=0, width=100, height=100, margin=0)
    space = LabelSpace()
    assert "Long Street" in draw_street_names(streets, frame, space)
    taken = LabelSpace()
    taken.block((0, 0, 100, 100))
    assert draw_street_names(streets, frame, taken) == ""


def test_a_name_is_text_and_a_bent_street_has_none() -> None:
    frame = fit_frame((0, -0.005, 0.01, 0.005), left=0, top=0, width=200, height=200, margin=0)
    hostile = draw_street_names(build_streets(main=[[1, 0, 0, 1000, 0]]), frame, LabelSpace())
    assert "<b>" not in hostile
    assert etree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{hostile}</svg>') is not None
    zigzag = [0, 0, 0, *([5, 15, 5, -15] * 100)]
    assert draw_street_names(build_streets(main=[zigzag]), frame, LabelSpace()) == ""


@pytest.mark.parametrize("metres", [300, 2_000, 20_000])
def test_nothing_is_drawn_outside_the_map(metres: float) -> None:
    page = render_around(metres)
    roads = re.search(r'<g opacity="0.75">(.*?)</g>', page)
    assert roads
    numbers = [float(part) for part in re.findall(r"-?\d+(?:\.\d+)?", "".join(re.findall(r' d="([^"]+)"', roads[1])))]
    assert min(numbers) >= 0
    assert max(numbers) <= 150


def test_the_same_map_has_the_same_bytes() -> None:
    first, again = (
        render_map(
            middlesbrough(), points=[Mark(*TOWN_CENTRE, "stop", "1")], extent=widen_bounds([TOWN_CENTRE], least_m=900)
        )
        for _ in range(2)
    )
    assert first == again

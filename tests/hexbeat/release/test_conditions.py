"""A real release, tampered with in every way that its proof does not allow: the audit refuses each."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
import shapely.affinity

from geo.errors import DataError
from hexbeat.release.audit import audit_folder, audit_release
from hexbeat.release.format import CHECKSUMS, Period, Place, Release, ReleasedLayer, hash_content
from hexbeat.release.release_files import build_release_files
from tests.support.releases import Publisher, made_quarters

Change = Callable[[Release], Release]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of Middlesbrough."""
    publisher = Publisher(tmp_path_factory.mktemp("real") / "home")
    publisher.load(made_quarters(publisher.area, number=500), now="2026-07-02")
    return publisher.publish(publisher.home.parent / "out").release


def found(release: Release) -> set[tuple[str, str, str, str]]:
    return {(one.layer, one.period, one.place, one.reason) for one in audit_release(release).findings}


def with_facts(**facts: Any) -> Change:
    return lambda release: replace(release, facts={**release.facts, **facts})


def within(key: str, **facts: Any) -> Change:
    return lambda release: replace(release, facts={**release.facts, key: {**release.facts[key], **facts}})


def as_first(**terms: Any) -> Change:
    """Other terms for needle finds, the first layer."""
    return lambda release: replace(release, layers=(replace(release.layers[0], **terms), *release.layers[1:]))


def quarters(*more: Period, but: int = 0) -> Change:
    """The quarters of needle finds without the last few, and others after them."""

    def change(release: Release) -> Release:
        kept = release.layers[0].periods[: len(release.layers[0].periods) - but]
        blocks = tuple(block for block in release.blocks if block.period in {period.name for period in kept})
        return replace(as_first(periods=(*kept, *more))(release), blocks=blocks)

    return change


def one_more(**terms: Any) -> Change:
    """Needle finds again, as another layer."""
    return lambda release: replace(release, layers=(*release.layers, replace(release.layers[0], **terms)))


def piece(release: Release, number: int = 0) -> Place:
    """A piece of a group of several."""
    pieces = [
        place for place in release.places.values() if place.place_id.startswith("fine.") and place.level == "piece"
    ]
    together = [one for one in pieces if sum(other.parent_id == one.parent_id for other in pieces) > 1]
    return together[number]


def changed(**terms: Any) -> Change:
    """A piece with other terms."""

    def change(release: Release) -> Release:
        place = piece(release)
        return replace(release, places={**release.places, place.place_id: replace(place, **terms)})

    return change


def phantom(outline: Callable[[Place], shapely.Geometry]) -> Change:
    """A piece more, with that outline, called as the next of its group."""

    def change(release: Release) -> Release:
        place = piece(release)
        size = sum(one.parent_id == place.parent_id for one in release.places.values())
        label = f"{place.label.rstrip('0123456789')}{size + 1}"
        more = replace(place, place_id="fine.phantom", label=label, outline=outline(place))
        last = max(k for k, one in enumerate(release.places.values()) if one.parent_id == place.parent_id)
        known = list(release.places.items())
        return replace(release, places=dict([*known[: last + 1], ("fine.phantom", more), *known[last + 1 :]]))

    return change


def renamed_block(release: Release) -> Release:
    block = replace(release.blocks[0], place_label="Central: 2 in A1, true total 17")
    return replace(release, blocks=(block, *release.blocks[1:]))


def turned(release: Release) -> Release:
    return replace(release, blocks=release.blocks[::-1])


def renamed_ward(release: Release) -> Release:
    ward = next(place for place in release.places.values() if place.level == "ward")
    return replace(release, places={**release.places, ward.place_id: replace(ward, label="Elsewhere")})


def two_roots(release: Release) -> Release:
    loose = {key: replace(p, parent_id=None) for key, p in release.places.items() if p.level == "ward"}
    return replace(release, places={**release.places, **loose})


def parents_first(release: Release) -> Release:
    return replace(release, places=dict(reversed(list(release.places.items()))))


def whole_day(year: int, month: int, day: int = 1) -> dt.date:
    return dt.date(year, month, day)


LONG = Period("2024", whole_day(2024, 1), whole_day(2025, 1))
FACTS: list[tuple[Change, str]] = [
    (with_facts(true_totals={"2026-Q1": 25}), "its keys or types are not those of a release"),
    (with_facts(demonstration=0), "its keys or types are not those of a release"),
    (within("area", hidden=3), "the keys or types of its area are not those of a release"),
    (
        with_facts(sources=[{"name": "x", "title": "t", "note": "n", "hidden": {"2026-Q1": 3}}]),
        "a source does not have exactly a name, a title and a note",
    ),
    (within("wording", hidden=3), "its promises are not those of the program"),
    (within("wording", claim="Nothing can be proved of these 517."), "its promises are not those of the program"),
    (
        with_facts(previous=[{"number": 1, "as_at": "2026-01-01", "checksum": "0" * 64}]),
        "an earlier release does not have exactly an area, a number, a day and a checksum",
    ),
    (
        with_facts(number=2, previous=[{"area": "a", "number": 1, "as_at": "2026-01-01", "checksum": "total 517"}]),
        "an earlier release has an invalid day or checksum",
    ),
    (with_facts(as_at="20261122"), "the day of the release is not a date"),
]


@pytest.mark.parametrize(("change", "reason"), FACTS)
def test_release_json_says_what_a_release_says(real: Release, change: Change, reason: str) -> None:
    assert ("", "", "release.json", reason) in found(change(real))


NESTED = "this is not a known layer: a layer inside another would prove the numbers between them"
CALENDAR = "this is not a whole calendar period of 3 months with its own name"
EARLY = "this period was published too early: one more period has to pass after its end"
GAP = "this period does not begin where the one before it ends"
LAYERS: list[tuple[Change, tuple[str, str, str]]] = [
    (one_more(name="needle_public"), ("needle_public", "", NESTED)),
    (one_more(name="needles_by_year", months=12, periods=(LONG,)), ("needles_by_year", "", NESTED)),
    (one_more(months=12, periods=(LONG,)), ("", "", "a layer appears twice")),
    (
        as_first(title="Needle finds (true total 517)"),
        ("needle_litter", "", "the names of this layer are not those of the program"),
    ),
    (as_first(k=2), ("needle_litter", "", "k is 2, below 3 or below the minimum of places")),
    (as_first(months=4), ("needle_litter", "", "its periods are not months, quarters, half-years or years")),
    (
        quarters(Period("2026-Q3", whole_day(2026, 7), whole_day(2026, 10))),
        ("needle_litter", "2026-Q3", EARLY),
    ),
    (
        quarters(Period("2026-Q2", whole_day(2026, 5), whole_day(2026, 8)), but=1),
        ("needle_litter", "2026-Q2", CALENDAR),
    ),
    (
        quarters(Period("2026-Q2", whole_day(2026, 7), whole_day(2026, 10))),
        ("needle_litter", "2026-Q2", CALENDAR),
    ),
    (
        quarters(Period("2026-Q2 (17)", whole_day(2026, 4), whole_day(2026, 7)), but=1),
        ("needle_litter", "2026-Q2 (17)", CALENDAR),
    ),
    (
        quarters(Period("2026-Q2", whole_day(2026, 4), whole_day(2026, 7)), but=2),
        ("needle_litter", "2026-Q2", GAP),
    ),
    (
        quarters(Period("2026-Q2", whole_day(2026, 4), whole_day(2026, 7))),
        ("needle_litter", "2026-Q2", GAP),
    ),
]


@pytest.mark.parametrize(("change", "expected"), LAYERS)
def test_layers_are_the_four_by_the_calendar(real: Release, change: Change, expected: tuple[str, str, str]) -> None:
    assert expected in {(layer, period, reason) for layer, period, _, reason in found(change(real))}


PLACES: list[tuple[Change, str]] = [
    (phantom(lambda _: shapely.Polygon()), "the outline has no area (places fine)"),
    (phantom(lambda place: shapely.boundary(place.outline)), "the outline has no area (places fine)"),
    (phantom(lambda place: place.outline), "the outline overlaps another place (places fine)"),
    (
        phantom(lambda place: shapely.affinity.translate(place.outline, 0.5)),
        "the outline leaves the place that it is part of (places fine)",
    ),
    (changed(label="Central A1 (2 events)"), "the name does not follow from its ward and its number (places fine)"),
    (changed(place_id="3 hidden"), "the name does not follow from its ward and its number (places fine)"),
    (changed(ward_code="E05009999"), "this place is not part of a group of its own ward (places fine)"),
    (changed(possible_places=0), "only pieces have possible places, and at least one (places fine)"),
    (changed(place_set="spare"), "no layer uses the set of this place"),
    (renamed_block, "the name of a number is not the name of its place"),
    (turned, "the rows are not in the order of layers, periods and places"),
    (renamed_ward, "a ward has two names"),
    (two_roots, "this place is not part of a borough of its own ward (places fine)"),
    (parents_first, "the places have to be pieces, groups, wards and one borough, in that order (places fine)"),
    (within("area", title="Middlesbrough 517"), "the name does not follow from its ward and its number (places fine)"),
]


@pytest.mark.parametrize(("change", "reason"), PLACES)
def test_places_are_ground_of_their_own_and_named_by_their_wards(real: Release, change: Change, reason: str) -> None:
    assert reason in {reason for *_, reason in found(change(real))}


def test_a_real_release_keeps_every_condition(real: Release) -> None:
    assert found(real) == set()
    assert isinstance(real.layers[0], ReleasedLayer)


def written(files: dict[str, bytes], folder: Path) -> Path:
    """The files with checksums of their own."""
    sums = "".join(f"{hash_content(files[one])}  {one}\n" for one in sorted(files) if one != CHECKSUMS)
    for one, content in {**files, CHECKSUMS: sums.encode()}.items():
        (folder / one).write_bytes(content)
    return folder


@pytest.mark.slow
def test_keys_that_the_reader_passes_over_are_found_in_the_bytes(real: Release, tmp_path: Path) -> None:
    files = build_release_files(real)
    facts, shapes = json.loads(files["release.json"]), json.loads(files["outlines.geojson"])
    facts["layers"][0]["periods"][0]["hidden"] = 3
    shapes["features"][0]["properties"]["hidden"] = 3
    files |= {"release.json": json.dumps(facts).encode(), "outlines.geojson": json.dumps(shapes).encode()}
    found = {(one.place, one.reason) for one in audit_folder(written(files, tmp_path)).findings}
    assert found == {
        (name, "the bytes differ from what its values give: more contents, or another order")
        for name in ("checksums.txt", "outlines.geojson", "release.json")
    }


def test_a_release_that_says_too_little_is_found_and_not_stumbled_over(real: Release, tmp_path: Path) -> None:
    files = build_release_files(real)
    facts = json.loads(files["release.json"])
    del facts["area"]["licence"], facts["wording"]
    files["release.json"] = json.dumps(facts).encode()
    reasons = {(one.place, one.reason) for one in audit_folder(written(files, tmp_path)).findings}
    assert ("release.json", "its keys or types are not those of a release") in reasons


@pytest.mark.parametrize(
    ("terms", "fact"),
    [
        ({"k": 5.0}, "layer needle_litter has a text in place of a number, or a number in place of a text"),
        ({"half_full": 1}, "half_full of layer needle_litter is neither true nor false"),
        (
            {"minimum_places": "3"},
            ("layer needle_litter has a text in place of a number, or a number in place of a text"),
        ),
        ({"title": 517}, "layer needle_litter has a text in place of a number, or a number in place of a text"),
        ({"place_set": "none"}, "there are no places none"),
        ({"hidden": 3}, "ReleasedLayer.__init__() got an unexpected keyword argument 'hidden'"),
    ],
)
def test_a_layer_of_another_form_is_not_read(real: Release, tmp_path: Path, terms: dict[str, Any], fact: str) -> None:
    files = build_release_files(replace(real, blocks=()))
    facts = json.loads(files["release.json"])
    facts["layers"][0] |= terms
    files["release.json"] = json.dumps(facts).encode()
    with pytest.raises(DataError) as caught:
        audit_folder(written(files, tmp_path))
    assert str(caught.value) == (
        f"A release has to be a folder that `hexbeat release build` wrote, unchanged; {tmp_path.name}: its files "
        f"do not fit together ({fact}); get it again from its publisher, or build it again"
    )

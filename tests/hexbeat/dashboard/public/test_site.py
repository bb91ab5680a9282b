"""The static site: only what is published, as text and never as code, the same bytes for the same release."""

import csv
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geo.errors import DataError, UsageError
from hexbeat.dashboard.public.advice import Contact
from hexbeat.dashboard.public.block_drawing import StreetLines
from hexbeat.dashboard.public.councillor_briefing import (
    build_councillor_briefing,
    format_ward_file,
    render_councillor_pdf,
)
from hexbeat.dashboard.public.public_downloads import COLUMNS
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.site import build_site_files, write_site
from hexbeat.release.format import Release
from hexbeat.release.release_text import format_promise
from tests.support.faults import files_limited_to
from tests.support.papers import read_paper
from tests.support.releases import COUNTS, example_release, with_gaps

HOSTILE = "</script><script>alert(1)</script>\"' onload=x =1+1 {{7*7}} \u2028"


def hostile_release() -> Release:
    release = example_release(area={**example_release().facts["area"], "title": HOSTILE, "attribution": HOSTILE})
    places = {key: dataclasses.replace(place, label=HOSTILE) for key, place in release.places.items()}
    blocks = tuple(dataclasses.replace(block, place_label="=1+1") for block in release.blocks)
    return Release(release.facts, release.layers, places, blocks)


def page_of(release: Release, contact: Contact | None = None) -> str:
    return build_site_files(release, contact=contact or Contact())["index.html"].decode()


def test_streets_lie_over_the_places_with_their_credit_as_text() -> None:
    release = example_release()
    west, south, east, north = shapely.total_bounds(np.array([place.outline for place in release.places.values()]))
    line = np.array([[west, south], [(west + east) / 2, north], [east, south]])
    files = build_site_files(release, contact=Contact(), streets=StreetLines({"main": [line]}, ["© <b>Somebody</b>"]))
    page = files["index.html"].decode()
    path = re.search(r'<path id="hp-road-main" d="M(\d+) (\d+)l([^"]+)"/>', page)
    assert path
    steps = [int(number) for number in path[3].split()]
    assert (int(path[1]), sum(steps[::2]), sum(steps[1::2])) == (20, 2000, 0)
    assert page.index('class="hp-borders"') < page.index('id="hp-road-main"') < page.index('class="hp-ward')
    assert '<p class="hp-credit">© &lt;b&gt;Somebody&lt;/b&gt;</p>' in page
    assert "hp-road-main" not in page_of(release)


def data_of(page: str) -> dict[str, list[dict[str, object]]]:
    match = re.search(r'<script type="application/json" id="hp-data">(.*?)</script>', page, flags=re.DOTALL)
    assert match
    data: dict[str, list[dict[str, object]]] = json.loads(match[1])
    return data


def test_the_same_release_gives_the_same_files(tmp_path: Path) -> None:
    names = write_site(example_release(), tmp_path / "site")
    wards = [format_ward_file(code) for code in ReleaseTotals(example_release()).wards]
    assert names == ["index.html", "numbers.csv", "numbers.csv-metadata.json", "numbers.geojson", *wards]
    files = {path.name: path.read_bytes() for path in (tmp_path / "site").iterdir()}
    assert files == build_site_files(example_release(), contact=Contact())


def test_every_ward_has_its_page_of_paper_to_which_the_page_leads() -> None:
    release = example_release()
    files = build_site_files(release, contact=Contact())
    linked = set(re.findall(r'<a href="([^"]+)" download>', files["index.html"].decode()))
    assert linked == set(files) - {"index.html"}
    assert [ward["page"] for ward in data_of(files["index.html"].decode())["wards"]] == list(files)[4:]
    for code, name in ReleaseTotals(release).wards.items():
        assert files[format_ward_file(code)] == render_councillor_pdf(build_councillor_briefing(release, code))
        assert read_paper(files[format_ward_file(code)]).title == f"{name}: what is happening"
    assert format_ward_file("../../x<y>") == "ward--x-y-.pdf"


def test_a_release_without_a_period_makes_no_site() -> None:
    release = example_release(published={})
    empty = tuple(dataclasses.replace(layer, periods=()) for layer in release.layers)
    with pytest.raises(DataError) as caught:
        build_site_files(Release(release.facts, empty, release.places, ()), contact=Contact())
    assert str(caught.value) == (
        "A site shows at least one period; this release has none yet; wait until a period is published"
    )


def test_every_number_is_a_block_or_a_sum_of_blocks() -> None:
    release = example_release()
    for layer in data_of(page_of(release))["layers"]:
        for period in layer["periods"]:  # type: ignore[attr-defined] # JSON
            blocks = release.find_blocks(str(layer["name"]), period["name"])
            assert [row[4] for row in period["blocks"]] == [block.count for block in blocks]
            sums = [sum(block.count for block in blocks)]
            sums += [sum(b.count for b in blocks if b.ward_code == code) for code in ReleaseTotals(release).wards]
            assert [count for count, _ in period["shown"]] == sums
            allowed = {f"{number:,}" for number in (*sums, *past_sums(release, str(layer["name"])))}
            for line in [line for lines in period["lines"] for line in lines]:
                numbers = re.findall(r"\d[\d,]*", re.sub(r"20\d\d", "", line))
                assert set(numbers) <= allowed, line


def past_sums(release: Release, layer: str) -> list[int]:
    published = ReleaseTotals(release)
    places = [None, *published.wards]
    one = release.layer(layer)
    return [published.count_shown(one, period, ward).count for period in one.periods for ward in places]


def test_what_is_not_published_is_in_no_file() -> None:
    """The small numbers of the example happened but are not in the release, and no file differs for them."""
    files = build_site_files(example_release(), contact=Contact())
    rows = list(csv.DictReader(io.StringIO(files["numbers.csv"].decode())))
    assert [int(row["count"]) for row in rows] == [7, 9, 12, 6, 5, 31]
    assert min(int(row["count"]) for row in rows) >= 5
    assert any(0 < count < 5 for counts in COUNTS.values() for count in counts)
    shapes = json.loads(files["numbers.geojson"])
    assert [feature["properties"]["count"] for feature in shapes["features"]] == [int(row["count"]) for row in rows]


def test_a_period_that_is_not_known_is_said_in_every_file_and_has_no_number() -> None:
    release = with_gaps(example_release(), "2026-Q2")
    files = build_site_files(release, contact=Contact())
    page = files["index.html"].decode()
    needles: dict[str, Any] = data_of(page)["layers"][0]
    known, unknown = needles["periods"]
    assert (needles["latest"], known["name"], unknown["name"]) == (0, "2026-Q1", "2026-Q2")
    assert unknown["blocks"] == []
    assert {count for count, _ in unknown["shown"]} == {None}
    assert (unknown["blank"], unknown["nothing"]) == ("not known", "Not known here, April to June 2026.")
    assert "none" not in unknown["legend"].casefold()
    assert "not known" in unknown["legend"]
    assert "none, or too few to show" in needles["legend"]
    assert "legend" not in known
    lines = " ".join(line for lines in unknown["lines"] for line in lines)
    assert lines.count("is not known.") == 3
    assert "too few" not in lines
    assert "there were no" not in lines
    assert "April to June 2026 is not known. The next numbers, for July to September 2026, are due in January" in page


def test_the_downloads_name_what_is_not_known() -> None:
    files = build_site_files(with_gaps(example_release(), "2026-Q2"), contact=Contact())
    gap = {"layer": "needle_litter", "period": "2026-Q2", "from": "2026-04-01", "to": "2026-07-01"}
    table, shapes = (json.loads(files[name]) for name in ("numbers.csv-metadata.json", "numbers.geojson"))
    for metadata in (table, shapes["metadata"]):
        assert metadata["hexbeat:not_known"] == [gap]
        assert "is not known" in metadata["dc:coverage"]
    assert "2026-Q2" not in files["numbers.csv"].decode()
    whole = build_site_files(example_release(), contact=Contact())["numbers.csv-metadata.json"]
    assert b"not_known" not in whole


def test_the_page_of_a_ward_says_what_is_not_known() -> None:
    briefing = build_councillor_briefing(with_gaps(example_release(), "2026-Q2"), "Abbey")
    needles = briefing.parts[0]
    assert needles.past == (("January to March 2026", "at least 7"), ("April to June 2026", "not known"))
    assert needles.sentences[-2:] == (
        "April to June 2026 is not known.",
        "The next numbers, for July to September 2026, are due in January 2027.",
    )
    assert "April to June 2026 is not known." in read_paper(render_councillor_pdf(briefing)).words


def test_a_site_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    write_site(example_release(), tmp_path / "site")
    (tmp_path / "site" / "robots.txt").write_text("ours", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in (tmp_path / "site").iterdir()}
    with files_limited_to(20_000), pytest.raises(DataError) as caught:
        write_site(example_release(published={}), tmp_path / "site")
    assert str(caught.value) == (
        "A folder is replaced as a whole or not at all; site cannot be written (File too large); nothing was changed; "
        "make room for it, or choose a folder whose parent you can write to"
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "site").iterdir()} == before
    write_site(example_release(published={}), tmp_path / "site")
    assert (tmp_path / "site" / "robots.txt").read_text(encoding="utf-8") == "ours"
    assert (tmp_path / "site" / "index.html").read_bytes() != before["index.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_names_from_data_are_text_everywhere() -> None:
    files = build_site_files(hostile_release(), contact=Contact(words=HOSTILE))
    page = files["index.html"].decode()
    assert page.count("<script") == 2
    assert "alert(1)</script>" not in page
    assert 'onload=x"' not in page.replace("&quot;", "")
    assert data_of(page)["title"] == HOSTILE
    row = next(csv.DictReader(io.StringIO(files["numbers.csv"].decode())))
    assert row["place"] == "'=1+1"


def test_the_page_may_load_and_send_nothing() -> None:
    page = page_of(example_release())
    assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'", page)
    assert re.findall(r"""(?:src|href|action)=["']?([^"'> ]+)""", page) == [
        "#hp-answer", *map(format_ward_file, ReleaseTotals(example_release()).wards),
        "numbers.csv", "numbers.csv-metadata.json", "numbers.geojson",
    ]  # fmt: skip
    assert " style=" not in page
    assert "@import" not in page


def test_the_promise_is_word_for_word() -> None:
    assert format_promise(5) in page_of(example_release())


def test_columns_are_described() -> None:
    files = build_site_files(example_release(), contact=Contact())
    described = json.loads(files["numbers.csv-metadata.json"])
    assert [column["name"] for column in described["tableSchema"]["columns"]] == list(COLUMNS)
    assert files["numbers.csv"].decode().splitlines()[0] == ",".join(COLUMNS)


def test_no_number_to_call_is_invented() -> None:
    assert "Tell the council where it is: its website has the number and the form." in page_of(example_release())
    page = page_of(example_release(), Contact("Call 01234 567890.", "https://example.org/needles?a=1&b=2"))
    assert 'Call 01234 567890. <a href="https://example.org/needles?a=1&amp;b=2">Report it online</a>' in page


def test_a_form_is_a_https_address() -> None:
    with pytest.raises(UsageError) as caught:
        Contact(form="javascript:alert(1)")
    assert str(caught.value) == (
        "The form for needles is an https address; it is 'javascript:alert(1)'; write it as in https://example.org/"
    )


def test_a_demonstration_is_marked() -> None:
    assert "Demonstration: some or all of these events are made up." in page_of(example_release(demonstration=True))
    assert "Demonstration" not in page_of(example_release())

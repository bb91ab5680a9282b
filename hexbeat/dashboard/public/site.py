"""The static site: one page in plain HTML with the whole release, its downloads, and a PDF for each ward.

It needs no server, and loads nothing.
"""

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from geo.errors import DataError
from hexbeat.dashboard.public.advice import Contact, render_accessibility, render_advice, render_method, render_sources
from hexbeat.dashboard.public.block_drawing import Drawing, StreetLines, lay_out_release
from hexbeat.dashboard.public.councillor_briefing import format_ward_file, render_ward_files
from hexbeat.dashboard.public.palette import build_static_palette
from hexbeat.dashboard.public.place_index import PlaceNames, build_search_index
from hexbeat.dashboard.public.public_downloads import build_download_files
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import (
    HINT,
    describe_around,
    describe_place,
    describe_unpublished,
    describe_ward,
    format_blank,
    format_period,
    format_short_period,
)
from hexbeat.dashboard.public.view import render_legend, render_map, render_past, render_table
from hexbeat.folders import atomic_replace, require_room
from hexbeat.release.format import Period, Release, ReleasedLayer
from hexbeat.release.release_text import format_promise

__all__ = [
    "DEMONSTRATION",
    "build_payload",
    "build_site_files",
    "read_map_style",
    "read_public_style",
    "read_served_style",
    "write_site",
]

ASSETS: Final = Path(__file__).parent / "assets"
LEAST_PDF_BYTES: Final = 20_000  # half of what the page of a ward has
DEMONSTRATION: Final = "Demonstration: some or all of these events are made up."


def write_site(
    release: Release,
    out_dir: Path,
    *,
    contact: Contact | None = None,
    streets: StreetLines | None = None,
    names: PlaceNames | None = None,
) -> list[str]:
    """Write the site of a release into a folder, made if it is not there; returns the names of its files.

    The same release, contact, streets and names give the same bytes. Files of the same names are replaced, all at once
    or none; others are left alone. DataError if the folder cannot be replaced, before the pages of the wards are
    rendered where the disk already lacks room for them.
    """
    published = _find_published(release)
    require_room(out_dir, LEAST_PDF_BYTES * len(published.wards))
    files = _build_page_files(published, contact or Contact(), streets, names)
    require_room(out_dir, sum(map(len, files.values())) + LEAST_PDF_BYTES * len(published.wards))
    files |= render_ward_files(published)  # half of the time that all takes
    atomic_replace(out_dir, files, keep_others=True)
    return list(files)


def build_site_files(
    release: Release, *, contact: Contact, streets: StreetLines | None = None, names: PlaceNames | None = None
) -> dict[str, bytes]:
    """Name to content of every file of the site; DataError if no layer of the release has a period yet.

    With `names`, the page has a box in which readers look for a street, a park or a school.
    """
    published = _find_published(release)
    return {**_build_page_files(published, contact, streets, names), **render_ward_files(published)}


def _find_published(release: Release) -> ReleaseTotals:
    published = ReleaseTotals(release)
    if not published.layers:
        raise DataError(
            "A site shows at least one period", "this release has none yet", "wait until a period is published"
        )
    return published


def _build_page_files(
    published: ReleaseTotals, contact: Contact, streets: StreetLines | None, names: PlaceNames | None
) -> dict[str, bytes]:
    page = _render_page(published, contact, streets, names)
    return {"index.html": page.encode(), **build_download_files(published)}


def _render_page(
    published: ReleaseTotals, contact: Contact, streets: StreetLines | None, names: PlaceNames | None
) -> str:
    layer = published.layers[0]
    period = published.find_latest_period(layer)
    drawing = lay_out_release(published)
    style = build_static_palette() + read_public_style()
    script = "".join(_read_asset(name) for name in ("shapes.js", "zoom.js", "search.js", "public.js"))
    lines = describe_ward(published, layer, period, None)
    credits_text = ". ".join([*(streets.credits if streets else ()), *(names.credits if names else ())])
    credit = f'<p class="hp-credit">{escape(credits_text)}</p>' if credits_text else ""
    return Template(_read_asset("public.html")).substitute(
        policy=_build_policy(style, script),
        title=escape(published.title),
        style=style,
        script=script,
        data=_escape_json(build_payload(published, drawing, names)),
        mark=f'<p class="hp-mark">{escape(DEMONSTRATION)}</p>' if published.release.facts["demonstration"] else "",
        lead=escape(lines[0]),
        rest=escape(" ".join(lines[1:])),
        map=render_map(published, drawing, layer, period, None, streets=streets) + credit,
        legend=render_legend(published, layer, period),
        promise=escape(format_promise(layer.k)),
        table=render_table(published, layer, period, None),
        past=render_past(published, layer, period, None),
        without_script=_render_without_script(published),
        advice="".join(render_advice(released, contact) for released in published.layers),
        methods="".join(
            _render_method(published, released, hidden=released is not layer) for released in published.layers
        ),
        sources=render_sources(published),
        accessibility=render_accessibility(),
    )


def _render_method(published: ReleaseTotals, layer: ReleasedLayer, *, hidden: bool) -> str:
    body = render_method(published, layer)
    return f'<div class="hp-how" data-layer="{escape(layer.name)}"{" hidden" if hidden else ""}>{body}</div>'


def _render_without_script(published: ReleaseTotals) -> str:
    """Every ward in sentences, by name, for browsers that run no script."""
    return "".join(
        f"<details><summary>{escape(name)}</summary>"
        f'<p><a href="{format_ward_file(code)}" download>{escape(name)} as one A4 page (PDF)</a></p>'
        + "".join(
            _render_ward(published, layer, published.find_latest_period(layer), code) for layer in published.layers
        )
        + "</details>"
        for code, name in published.wards.items()
    )


def _render_ward(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str) -> str:
    sentences = f"<p>{escape(' '.join(describe_ward(published, layer, period, ward)))}</p>"
    return sentences + render_past(published, layer, period, ward) if published.has_wards(layer) else sentences


@cache
def read_public_style() -> str:
    """The public side's style sheet, without its colours."""
    return _read_asset("public.css") + read_map_style()


@cache
def read_map_style() -> str:
    """The part of the style sheet for the shapes of maps."""
    return _read_asset("map.css")


@cache
def read_served_style() -> str:
    """The styles that the served page adds."""
    return _read_asset("served.css")


@cache
def _read_asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _build_policy(style: str, script: str) -> str:
    """A policy: the page may use only its own script and style, and may load and send nothing."""
    own = f"style-src {_hash_text(style)}; script-src {_hash_text(script)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _hash_text(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _escape_json(value: Any) -> str:
    """JSON that is only data in a page: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def build_payload(published: ReleaseTotals, drawing: Drawing, names: PlaceNames | None = None) -> dict[str, Any]:
    """The whole release for one page. Counts are those of blocks, and sums of them for wards and the area."""
    return {
        "title": published.title,
        "hint": HINT,
        "wards": [
            {"code": code, "name": name, "box": drawing.wards[code].box, "page": format_ward_file(code)}
            for code, name in published.wards.items()
        ],
        "layers": [_build_layer_data(published, layer) for layer in published.layers],
    } | ({"search": build_search_index(drawing, published.wards, names)} if names else {})


def _build_layer_data(published: ReleaseTotals, layer: ReleasedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "title": layer.title,
        "many": layer.many,
        "k": layer.k,
        "set": layer.place_set,
        "byWard": published.has_wards(layer),
        "legend": render_legend(published, layer, published.find_latest_period(layer)),
        "promise": format_promise(layer.k),
        "latest": layer.due_periods.index(published.find_latest_period(layer)),
        "periods": [_build_period_data(published, layer, period) for period in layer.due_periods],
    }


def _build_period_data(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> dict[str, Any]:
    places = [None, *published.wards]
    blocks = published.release.find_blocks(layer.name, period.name)
    numbers = {block.place_id: k for k, block in enumerate(blocks)}
    covering = published.covering(layer, period)
    totals = [published.count_shown(layer, period, ward) for ward in places]
    is_known = period not in layer.not_known
    own_legend = {} if is_known else {"legend": render_legend(published, layer, period)}
    return own_legend | {
        "name": period.name,
        "words": format_period(period),
        "short": format_short_period(period),
        "blank": format_blank(published, layer, period),
        "nothing": describe_unpublished(published, layer, period),
        "blocks": [
            [block.level, block.ward_code or "", block.place_label, describe_place(published, block), block.count]
            for block in blocks
        ],
        "around": [describe_around(published, layer, period, block) for block in (*blocks, None)],
        # The block of each smallest place, in the order in which they are drawn; -1 if it is hidden.
        "covering": [numbers[block.place_id] if block else -1 for block in covering.values()],
        "shown": [[total.count if is_known else None, int(total.whole)] for total in totals],
        "lines": [describe_ward(published, layer, period, ward) for ward in places],
    }

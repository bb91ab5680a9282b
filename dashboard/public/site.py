"""The static site: one page in plain HTML, its downloads, a PDF a ward. It needs no server, and asks for nothing."""

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from dashboard.public.advice import Contact, accessibility_html, advice_html, method_html, sources_html
from dashboard.public.briefing import ward_file, ward_files
from dashboard.public.downloads import download_files
from dashboard.public.drawing import draw
from dashboard.public.figures import Published
from dashboard.public.palette import static_palette
from dashboard.public.payload import payload
from dashboard.public.sentences import summary
from dashboard.public.view import legend_html, map_html, past_html, table_html
from geo.errors import DataError
from layers.release.format import Period, Release, ReleasedLayer
from layers.release.words import promise

__all__ = ["DEMONSTRATION", "map_style", "public_style", "served_style", "site_files", "write_site"]

ASSETS: Final = Path(__file__).parent / "assets"
DEMONSTRATION: Final = "Demonstration: some or all of these events are made up."


def write_site(release: Release, out_dir: Path, *, contact: Contact | None = None) -> list[str]:
    """Write the site of a release into a folder, made if it is not there; returns the names of its files.

    The same release and contact give the same bytes. Files of the same names are replaced, others are left alone.
    """
    files = site_files(release, contact=contact or Contact())
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out_dir / name).write_bytes(content)
    return list(files)


def site_files(release: Release, *, contact: Contact) -> dict[str, bytes]:
    """Name to content of every file of the site; DataError if no layer of the release has a period yet."""
    published = Published(release)
    if not published.layers:
        raise DataError(
            "A site shows at least one period", "this release has none yet", "wait until a period is published"
        )
    return {"index.html": _page(published, contact).encode(), **download_files(published), **ward_files(published)}


def _page(published: Published, contact: Contact) -> str:
    layer = published.layers[0]
    period = layer.periods[-1]
    drawing = draw(published)
    style = static_palette() + public_style()
    script = "".join(_asset(name) for name in ("shapes.js", "zoom.js", "public.js"))
    lines = summary(published, layer, period, None)
    return Template(_asset("public.html")).substitute(
        policy=_policy(style, script),
        title=escape(published.title),
        style=style,
        script=script,
        data=_data(payload(published, drawing)),
        mark=f'<p class="hp-mark">{escape(DEMONSTRATION)}</p>' if published.release.facts["demonstration"] else "",
        lead=escape(lines[0]),
        rest=escape(" ".join(lines[1:])),
        map=map_html(published, drawing, layer, period, None),
        legend=legend_html(published, layer),
        promise=escape(promise(layer.k)),
        table=table_html(published, layer, period, None),
        past=past_html(published, layer, period, None),
        without_script=_without_script(published),
        advice="".join(advice_html(one, contact) for one in published.layers),
        methods="".join(_method(published, one, hidden=one is not layer) for one in published.layers),
        sources=sources_html(published),
        accessibility=accessibility_html(),
    )


def _method(published: Published, layer: ReleasedLayer, *, hidden: bool) -> str:
    body = method_html(published, layer)
    return f'<div class="hp-how" data-layer="{escape(layer.name)}"{" hidden" if hidden else ""}>{body}</div>'


def _without_script(published: Published) -> str:
    """Every ward in words, in the order of their names, for browsers that run no script."""
    return "".join(
        f"<details><summary>{escape(name)}</summary>"
        f'<p><a href="{ward_file(code)}" download>{escape(name)} as one A4 page (PDF)</a></p>'
        + "".join(_in_words(published, layer, layer.periods[-1], code) for layer in published.layers)
        + "</details>"
        for code, name in published.wards.items()
    )


def _in_words(published: Published, layer: ReleasedLayer, period: Period, ward: str) -> str:
    said = f"<p>{escape(' '.join(summary(published, layer, period, ward)))}</p>"
    return said + past_html(published, layer, period, ward) if published.by_ward(layer) else said


@cache
def public_style() -> str:
    """The public side's style sheet, without its colours."""
    return _asset("public.css") + map_style()


@cache
def map_style() -> str:
    """The part of it that shapes wear."""
    return _asset("map.css")


@cache
def served_style() -> str:
    """What the served page adds to it."""
    return _asset("served.css")


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The page may run its own script and wear its own style, and may load and send nothing."""
    own = f"style-src {_digest(style)}; script-src {_digest(script)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(value: Any) -> str:
    """JSON that is only data within a page: no text can end its element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

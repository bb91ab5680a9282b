"""PDF and PNG by Typst: our own templates, data as data. Nothing is fetched, and no font of the machine is used.

A document of your own: put `templates/NAME.typ` beside the others, begin it with `#import "common.typ": *` and
`#show: sheet` (page, language, title, fonts, the mark of demonstration data and the footer), and read from `data` and
`drawing("NAME", alt: …)`. Then `render_pdf("NAME", {"title": …, …}, {"map": render_map(…)})`. Every text of `data`
stays text, whatever it holds.
"""

import datetime as dt
import json
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from hexbeat.documents.maps.svg import clean_text

if TYPE_CHECKING:
    import typst
else:
    typst = import_lazily("typst")

__all__ = ["make_printable", "render_pdf", "render_png"]

TEMPLATES: Final = Path(__file__).parent / "templates"
STANDARD: Final = "ua-1"  # PDF/UA-1: tagged, titled, with a language and a text for every picture
PIXELS_PER_INCH: Final = 200
MISSING: Final = "\N{WHITE SQUARE}"  # stands for a letter that the fonts do not have
PROBE: Final = b'#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))\n#set document(title: "a")\n#sys.inputs.char'
LAST_LATIN_LETTER: Final = "\u024f"  # the fonts have every letter up to this one


def render_pdf(
    template: str,
    data: Mapping[str, Any],
    drawings: Mapping[str, bytes],
    *,
    made_at: dt.datetime | None = None,
    attached: bytes | None = None,
) -> bytes:
    """The template with this data as PDF/UA-1, the same bytes for the same data.

    template: the name of a file in `templates`, without its ending. data: what JSON holds, with a `title` at least;
    its texts are never markup, and letters that the fonts lack become squares. drawings: SVG by name. made_at: the
    aware time at which the file says that it was made (None: none, which PDF writes as 1970). attached: JSON in UTF-8
    that the file carries as `content.json`, if the template asks for it. UsageError for an unknown template or an
    empty title.
    """
    inputs = _build_inputs(template, data, drawings)
    if attached is not None:
        inputs["attached"] = attached.decode()
    pdf: bytes = typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        format="pdf",
        font_paths=load_fonts(),
        ignore_system_fonts=True,
        sys_inputs=inputs,
        pdf_standards=[STANDARD],
        timestamp=0 if made_at is None else int(made_at.timestamp()),
    )
    return pdf


def render_png(template: str, data: Mapping[str, Any], drawings: Mapping[str, bytes]) -> bytes:
    """The only page of the template with this data as PNG, the same bytes for the same data; errors as `render_pdf`."""
    png: bytes = typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        format="png",
        ppi=PIXELS_PER_INCH,
        font_paths=load_fonts(),
        ignore_system_fonts=True,
        sys_inputs=_build_inputs(template, data, drawings),
        timestamp=0,
    )
    return png


def _build_inputs(template: str, data: Mapping[str, Any], drawings: Mapping[str, bytes]) -> dict[str, str]:
    """What a template reads; UsageError for an unknown template or an empty title."""
    if f"{template}.typ" not in list_templates() or not str(data.get("title", "")).strip():
        raise UsageError(
            "A document has a template and a title",
            f"the template is {template!r}, the title {data.get('title')!r}",
            f"choose a template from {', '.join(sorted(name[:-4] for name in list_templates()))}",
        )
    inputs = {f"drawing-{name}": svg.decode() for name, svg in drawings.items()}
    return inputs | {"data": json.dumps(make_printable(dict(data)), ensure_ascii=False, allow_nan=False)}


@cache
def list_templates() -> frozenset[str]:
    return frozenset(path.name for path in TEMPLATES.glob("*.typ"))


@cache
def load_fonts() -> Any:
    """Only the fonts that Typst brings: the same document on every machine."""
    return typst.Fonts(include_system_fonts=False)


def make_printable(value: Any) -> Any:
    """The same data with texts that can be printed: control characters as spaces, unknown letters as squares."""
    if isinstance(value, str):
        return make_printable_text(clean_text(value))
    if isinstance(value, Mapping):
        return {str(name): make_printable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [make_printable(part) for part in value]
    return value


def make_printable_text(text: str) -> str:
    """Letter by letter; a mark that no font can set on its letter is left out."""
    letters: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char <= LAST_LATIN_LETTER:
            letters.append(char)
        elif unicodedata.category(char).startswith("M"):
            if letters and letters[-1] != MISSING and has_glyphs(letters[-1] + char):
                letters[-1] += char
        else:
            letters.append(char if has_glyphs(char) else MISSING)
    return "".join(letters)


@lru_cache(maxsize=4096)
def has_glyphs(letters: str) -> bool:
    """True if one of the documents' fonts has a letter with its marks. PDF/UA allows no letter that the fonts lack."""
    try:
        typst.compile(
            PROBE,
            format="pdf",
            font_paths=load_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"char": letters},
            pdf_standards=[STANDARD],
            timestamp=0,
        )
    except typst.TypstError:
        return False
    return True

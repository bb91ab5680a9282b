"""The text below every public map: what to do, whom to call, and how the numbers are made."""

import datetime as dt
import re
from dataclasses import dataclass
from html import escape
from typing import Final

from geo.errors import UsageError
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.release.format import ReleasedLayer
from hexbeat.release.release_text import describe_officers, format_promise
from layers.catalogue import LAYERS
from layers.layer_spec import COUNCIL_CONTACT, Advice
from layers.wording import format_date

__all__ = [
    "TOTALS",
    "Contact",
    "find_advice",
    "render_accessibility",
    "render_advice",
    "render_method",
    "render_sources",
]

_EMERGENCY: Final = Advice("In an emergency", ("Call 999.",))
TOTALS: Final = (
    "Every total here is a sum of numbers that are shown, so the true total may be higher: then the page says "
    "“at least”. A period appears one period late and is never changed afterwards; what is reported later is counted "
    "in the period in which it is received."
)
BLANK: Final = (
    "More reports can mean more events, or more people who report. A blank place does not mean that nothing happened."
)
ACCESSIBILITY: Final = """\
This page is made to meet the Web Content Accessibility Guidelines 2.2 at level AA. Everything works with a keyboard
alone: on the map, arrow keys move it, plus and minus zoom, and Alt with an arrow key goes from place to place and says
the number. The table below the map says the same. Colour alone never carries a meaning: the classes differ in
lightness, lines part the places, and hatches mark what is counted for a larger place. The page can be enlarged to
400 % without scrolling sideways, and nothing moves by itself.

It is checked with axe-core and by keyboard at every change of the program; people who use screen readers have not
tested it yet. Known limits: the smallest places on the map are smaller than a fingertip until you zoom in, and the
map's shapes themselves have no names for screen readers; the table has them.

If something does not work for you, tell whoever published this page.
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """How to report a needle: `words` as in "Call the council on 01234 567890", `form` an https address."""

    words: str | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if self.form is not None and not re.fullmatch(r"https://[^\s\"'<>]+", self.form):
            raise UsageError(
                "The form for needles is an https address",
                f"it is {self.form!r}",
                "write it as in https://example.org/",
            )

    def as_html(self) -> str:
        """The council's own sentence and form in one line, or where to find them."""
        if not self.words and not self.form:
            return "Tell the council where it is: its website has the number and the form."
        words = escape(self.words or "Tell the council where it is.")
        link = f' <a href="{escape(self.form)}">Report it online</a>' if self.form else ""
        return f"{words}{link}"


def find_advice(layer: str) -> Advice | None:
    """The advice of the layer of that name; None if it has none, or if there is no such layer."""
    return next((spec.advice for spec in LAYERS if spec.name == layer), None)


def render_advice(layer: ReleasedLayer, contact: Contact) -> str:
    """The advice of a layer as HTML."""
    advice = find_advice(layer.name) or _EMERGENCY
    items = "".join(
        f"<li>{contact.as_html() if line == COUNCIL_CONTACT else escape(line)}</li>" for line in advice.lines
    )
    head = f'<section class="hp-do" data-layer="{escape(layer.name)}"><h2>{escape(advice.title)}</h2>'
    return f"{head}<ul>{items}</ul></section>"


def render_method(published: ReleaseTotals, layer: ReleasedLayer) -> str:
    """How the numbers are made, in about 200 words."""
    facts = published.release.facts
    months = {3: "three months", 12: "a year", 6: "half a year", 1: "a month"}.get(layer.months, "a fixed period")
    fewest = (
        f" at {layer.minimum_places} or more spots of about 50 metres that do not touch" if layer.minimum_places else ""
    )
    how_divided = (
        f"The area is cut into small places of about 350 metres across, each within one ward. Where at least {layer.k} "
        f"{layer.many} were recorded in {months}{fewest}, a place is shown by itself. What is left over is shown for a "
        "wider part of the ward, then for the whole ward, then for the whole area; if it is still too little, not at "
        "all."
    )
    whole = f"{layer.many.capitalize()} are shown for the whole area and {months} only, because there are few of them."
    lines = [
        format_promise(layer.k),
        how_divided if published.has_wards(layer) else whole,
        layer.counted,
        *filter(None, [describe_officers(layer)]),
        "A period is not known if the records do not cover all of it in every ward. It appears once they do.",
        TOTALS,
        BLANK,
        str(facts["wording"]["claim"]),
    ]
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def render_sources(published: ReleaseTotals) -> str:
    """The sources and licences of the numbers and the boundaries, and the limits of the rule."""
    facts = published.release.facts
    sources = "".join(
        f"<li>{escape(str(source['title']))}: {escape(str(source['note']))}</li>" for source in facts["sources"]
    )
    area = facts["area"]
    recorded_to = format_date(dt.date.fromisoformat(facts["as_at"]))
    limits = "".join(f"<li>{escape(str(limit))}</li>" for limit in facts["wording"]["limits"])
    return (
        f"<ul>{sources}</ul><p>Numbers: {escape(str(facts['licence']))}. Boundaries: {escape(str(area['licence']))}. "
        f"{escape(str(area['attribution']))}</p><p>Release {escape(str(facts['number']))}, made from what was recorded "
        f"up to {recorded_to}.</p><p>What no such rule can stop:</p><ul>{limits}</ul>"
    )


def render_accessibility() -> str:
    """The accessibility statement."""
    return "".join(f"<p>{escape(part)}</p>" for part in ACCESSIBILITY.split("\n\n"))

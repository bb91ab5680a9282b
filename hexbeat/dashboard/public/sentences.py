"""The sentences of the public side: periods by name, the numbers of a ward, and the place that a number is for."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from hexbeat.dashboard.public.published_counts import PublishedTotal, ReleaseTotals, join_periods
from hexbeat.release.format import Block, Period, ReleasedLayer
from hexbeat.release.release_text import describe_officers
from layers.wording import format_list

__all__ = [
    "HINT",
    "describe_around",
    "describe_block",
    "describe_place",
    "describe_unpublished",
    "describe_ward",
    "format_between",
    "format_blank",
    "format_past_number",
    "format_period",
    "format_short_period",
]

NO_RECORDS: Final = "We have no records of this that cover a whole period."
NOT_KNOWN: Final = "The records do not cover all of that time, so no number can be shown."
HINT: Final = "Tap a place on the map to read its number."
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def format_period(period: Period) -> str:
    """As in "July to September 2026", "July 2026", "2026", "October 2025 to March 2026"."""
    first, last, is_month, is_year = _find_ends(period)
    if is_month or is_year:
        return last if is_month else str(period.start.year)
    return f"{first} to {last}"


def format_between(period: Period) -> str:
    """As in "Between July and September 2026", "In July 2026", "In 2026"."""
    first, last, is_month, is_year = _find_ends(period)
    if is_month or is_year:
        return f"In {format_period(period)}"
    return f"Between {first} and {last}"


def format_short_period(period: Period) -> str:
    """As in "Jul to Sep 2026", for narrow columns."""
    words = format_period(period).split()
    return " ".join(word[:3] if word in MONTHS else word for word in words)


def _find_ends(period: Period) -> tuple[str, str, bool, bool]:
    """First month, last month and year, whether it is one month, whether it is a calendar year."""
    last = period.end - dt.timedelta(days=1)
    same_year = period.start.year == last.year
    first = MONTHS[period.start.month - 1] + ("" if same_year else f" {period.start.year}")
    is_month = same_year and period.start.month == last.month
    is_year = same_year and period.start.month == 1 and last.month == len(MONTHS)
    return first, f"{MONTHS[last.month - 1]} {last.year}", is_month, is_year


def describe_ward(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> list[str]:
    """The sentences for a ward (None: the whole area): how many, what may be missing, and its own past."""
    if ward is not None and not published.has_wards(layer):
        area_sentences = describe_ward(published, layer, period, None)
        return [
            f"{layer.many.capitalize()} are shown for {published.title} as a whole only, not for its wards.",
            *area_sentences,
        ]
    place = published.wards[ward] if ward else published.title
    if not layer.periods:
        lines = [NO_RECORDS, _describe_gaps(layer.not_known)]
    elif period in layer.not_known:
        lines = [f"{format_between(period)}, the number of {layer.many} in {place} is not known.", NOT_KNOWN]
    elif published.is_before_numbers(layer, period):
        lines = _describe_too_early(published, layer, period, place)
    else:
        lines = _describe_numbers(published, layer, period, ward)
    is_old = bool(layer.periods) and period == layer.periods[-1] != layer.due_periods[-1]
    if is_old:  # one line with the number, which stays the lead of the page
        lines[0] = f"These are the newest numbers: {format_period(period)}. {lines[0]}"
    return [*lines, *_describe_later(published, layer, period)]


def _describe_numbers(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> list[str]:
    total = published.count_shown(layer, period, ward)
    lines = [_describe_lead(layer, period, total, published.wards[ward] if ward else published.title)]
    if layer.officers:
        lines.append(describe_officers(layer))
    if not total.whole:
        lines.append(_describe_missing(published, layer, period, ward))
    return [*lines, _describe_before(published, layer, period, ward)]


def _describe_later(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> list[str]:
    """After the last numbers: which periods since are not known, and when the next numbers come."""
    if period.start < published.find_latest_period(layer).start:
        return []
    later = [other for other in layer.not_known if other.start > period.start]
    next_period, day = published.find_next_period(layer)
    lines = [_describe_gaps(later)] if later else []
    when = f"{MONTHS[day.month - 1]} {day.year}"
    return [*lines, f"The next numbers, for {format_period(next_period)}, are due in {when}."]


def _describe_gaps(periods: Sequence[Period]) -> str:
    spans = [format_period(span) for span in join_periods(periods)]
    return f"{format_list(spans)} {'is' if len(spans) == 1 else 'are'} not known."


def _describe_too_early(published: ReleaseTotals, layer: ReleasedLayer, period: Period, place: str) -> list[str]:
    """Nothing of the layer is published up to then. A release does not say whether records were held."""
    first = published.find_first_period(layer)
    sentence = f"{format_between(period)}, no records of {layer.many} in {place} were held, or too few to show."
    return [sentence, f"The numbers begin with {format_period(first)}."] if first else [sentence]


def _describe_lead(layer: ReleasedLayer, period: Period, total: PublishedTotal, place: str) -> str:
    if not total.count:
        return f"{format_between(period)}, there were no {layer.many} in {place}, or too few to show."
    return f"{format_between(period)}, {_format_least(total)} {layer.many} were recorded in {place}."


def _format_least(total: PublishedTotal) -> str:
    return f"{'' if total.whole else 'at least '}{total.count:,}"


def _describe_missing(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> str:
    area_block = published.find_area_block(layer, period)
    if ward is None:
        return "Any others were too few to show."
    if area_block is None:
        return "Any others there were too few to show."
    where = describe_place(published, area_block)
    return f"Any others there are part of the {area_block.count:,} that are counted {where}."


def _describe_before(published: ReleaseTotals, layer: ReleasedLayer, period: Period, ward: str | None) -> str:
    """The period before, from published numbers alone; "more" or "fewer" only if both numbers are whole.

    Nothing is compared with a period that is not known, nor with one further back.
    """
    if period == layer.due_periods[0]:
        return "This is the first period that is published."
    before = layer.due_periods[layer.due_periods.index(period) - 1]
    if before in layer.not_known:
        first = "This is the first period that is published: " if period == layer.periods[0] else ""
        return f"{first}{format_period(before)} is not known."
    if published.is_before_numbers(layer, before):
        return "These are the first numbers: no records were held before, or too few to show."
    now, then = (published.count_shown(layer, when, ward) for when in (period, before))
    if now.count and then.count and now.whole and then.whole:
        word = "as many as" if now.count == then.count else f"{'more' if now.count > then.count else 'fewer'} than"
        return f"That is {word} in {format_period(before)} ({then.count:,})."
    if not then.count:
        return f"In {format_period(before)} there were none, or too few to show."
    return f"In {format_period(before)} it was {_format_least(then)}."


def format_past_number(published: ReleaseTotals, layer: ReleasedLayer, period: Period, total: PublishedTotal) -> str:
    """A number of a ward's past: "35", "at least 35", or the text for a missing number."""
    return _format_least(total) if total.count else format_blank(published, layer, period)


def format_blank(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> str:
    """The text for a missing number: "not known", or that there may have been some."""
    if period in layer.not_known:
        return "not known"
    return f"{'no records' if published.is_before_numbers(layer, period) else 'none'}, or too few to show"


def describe_block(published: ReleaseTotals, layer: ReleasedLayer, period: Period, block: Block) -> str:
    """One number of the map in words: "12 needle finds in this part of Central, April to June 2026."."""
    return f"{block.count:,} {layer.many} {describe_place(published, block)}, {format_period(period)}."


def describe_around(published: ReleaseTotals, layer: ReleasedLayer, period: Period, block: Block | None) -> str:
    """What is published for the block around a place that a reader looked for, after "Around Albert Park (Park): ".

    Of a number that is for more than the small place: "no number of its own can be shown. It is part of the 23 needle
    finds in the rest of Park, July to September 2026.". None: nothing is published there.
    """
    if block is None:
        text = describe_unpublished(published, layer, period)
        return f"{text[:1].lower()}{text[1:]}"
    if block.level == "piece":
        return describe_block(published, layer, period, block)
    where = describe_place(published, block)
    where = where.replace("elsewhere in ", "in the rest of ", 1) if where.startswith("elsewhere in ") else where
    number = f"{block.count:,} {layer.many} {where}, {format_period(period)}"
    return f"no number of its own can be shown. It is part of the {number}."


def describe_unpublished(published: ReleaseTotals, layer: ReleasedLayer, period: Period) -> str:
    """The sentence for a place without a number."""
    return f"{format_blank(published, layer, period).capitalize()} here, {format_period(period)}."


def describe_place(published: ReleaseTotals, block: Block) -> str:
    """The place that a number is for, as in "in this part of Central", "elsewhere in Newport"."""
    ward = published.wards.get(block.ward_code or "", published.title)
    if block.level == "piece":
        return f"in this part of {ward}"
    if block.level == "group":
        return f"{'elsewhere ' if published.is_remainder(block) else ''}in this wider part of {ward}"
    place = ward if block.level == "ward" else published.title
    return f"elsewhere in {place}" if published.is_remainder(block) else f"in {place} as a whole"

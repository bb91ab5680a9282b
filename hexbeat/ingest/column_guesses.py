"""Guesses what a column holds, from its heading and its first values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from geo.coordinates import Axis, parse_degrees
from geo.locations import GRID_REF, parse_pairs
from geo.number_texts import clean_text, parse_numbers
from hexbeat.ingest.parsing.date_numbers import NUMBER_FORMATS, DateNumbers, describe_number_format
from hexbeat.ingest.parsing.date_words import parse_clock, parse_month
from hexbeat.ingest.parsing.dates import parse_timestamps
from hexbeat.ingest.parsing.quantities import parse_quantities
from hexbeat.ingest.reporter_words import NO_REPORTERS, ReporterWords, find_reporter_words
from hexbeat.ingest.sources.profile import MISSING
from layers.catalogue import LAYERS

__all__ = [
    "MOST_TIMES",
    "PARTS",
    "ColumnGuess",
    "are_quantities",
    "find_address_columns",
    "find_doubtful_columns",
    "guess_columns",
    "guess_formats",
    "guess_layer",
    "is_clock",
]

PARTS: Final = {
    "lon": "longitude",
    "lat": "latitude",
    "x": "easting",
    "y": "northing",
    "grid_ref": "OS grid reference",
    "lat_lon": "latitude and longitude in one text",
    "postcode": "postcode",
    "street": "street",
    "start": "date, or date and time",
    "year": "year",
    "month": "month of the year",
    "day": "day of the month",
    "clock": "time of day",
    "end": "end",
    "key": "identifier",
    "category": "category",
    "status": "status",
    "quantity": "quantity",
    "reported_by": "who reported it",
}
MOST_QUANTITIES: Final = 0.5  # a column of quantities may hold many words, such as "a few"
MOST_BY_HEADING: Final = 0.5  # the share of dates that is enough where the heading says what they are
MOST_TIMES: Final = 0.9  # of times of day: a row whose time cannot be read is rejected, so few may be words
FEWEST_DIFFERENT: Final = 0.9  # the share of different values in a column of identifiers: some rows are twice in a file
MOST: Final = 0.8  # the share of values, blank ones aside, that must fit
HEADINGS: Final = {
    "lon": r"^(lon|lng|long)|longitude|^x$",
    "lat": r"^lat(?!er|est)|latitude|^y$",
    "x": r"^east|easting|^x$|^bng_?e",
    "y": r"^north|northing|^y$|^bng_?n",
    "grid_ref": r"grid|ngr|os.?ref",
    "lat_lon": r"coord|location|geocode|lat.?lon|point",
    "start": r"open|start|occur|incident|found|report|request|creat|date|from|month",
    "year": r"^ye?a?r$|^yyyy$",
    "month": r"^mon(th)?$|^mm$",
    "day": r"^day( of month)?$|^dd$",
    "clock": r"^time|time$|clock",
    "end": r"clos|^end|end.?date|until|resolv|complet|finish|expir|_to$|^to$",
    "key": r"(^|[^a-z])(id|ref|reference|number|no|objectid|fid|urn)($|[^a-z])|enquiry|case.?id",
    "category": r"categor|^type|type$|kind|subject|service.?name",
    "status": r"status|state|outcome",
    "quantity": r"quantit|^qty|count|needles|syringes|sharps|number.?of|^no\.?.?of|how.?many",
    "reported_by": r"report(ed)?.?by|reporter|found.?by",
}
DAY_FIRST: Final = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%d/%m/%Y", "%d-%m-%Y %H:%M",
    "%d-%m-%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%y %H:%M", "%d/%m/%y", "%d.%m.%y %H:%M", "%d.%m.%y", "%d-%m-%y",
)  # fmt: skip
PLAIN: Final = (
    "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y", "%d %B %Y %H:%M", "%d %B %Y", "%d-%b-%Y %H:%M", "%d-%b-%Y",
    "%b %d %Y", "%b %Y", "%B %Y",
)  # fmt: skip

_NUMBERS: Final = tuple((form,) for form in NUMBER_FORMATS)
_DATE_HEADING: Final = re.compile(r"date|time|when|occur|creat|_dt$|_at$", re.IGNORECASE)
# What shows that a text is meant as a place: decimals, a letter or a sign of degrees, a word, or many figures.
_PLACE: Final = re.compile(r"\d[.,]\d{3}|\d\s*[NSEW\u00b0]\b|\u00b0|point|lat|\d{5}", re.IGNORECASE)
_POSTCODE: Final = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", re.IGNORECASE)
_ADDRESS_KINDS: Final = {"postcode": "postcodes", "street": "street names"}
_STREET: Final = re.compile(
    r".*\b(street|st|road|rd|avenue|ave|lane|terrace|close|drive|way|grove|crescent|place|court|square|gardens|row)\b\.?"
    r"(,.*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A column, what it may hold (a key of PARTS; None: nothing known), the reason, and some of its values.

    `reporters`: the words of its values that name who reported it, if a person says that it does.
    """

    column: str
    part: str | None
    reason: str
    samples: tuple[str, ...]
    reporters: ReporterWords = NO_REPORTERS


def guess_columns(frame: pd.DataFrame, *, has_shapes: bool = False) -> list[ColumnGuess]:
    """A guess for each column of the first rows of a file (texts); no two columns get the same part.

    `has_shapes`: the file has its places as shapes, so that no column is needed for them.
    """
    values = {str(name): _list_filled(frame[name]) for name in frame.columns}
    assigned: dict[str, tuple[str, str]] = {}
    for part in PARTS:
        if part in _ADDRESS_KINDS:
            continue  # below, and only where nothing else is a place
        parts_so_far = {other for other, _ in assigned.values()}
        if (part in ("x", "y") and "lon" in parts_so_far) or (part == "year" and "start" in parts_so_far):
            continue
        if part in ("month", "day") and "year" not in parts_so_far:
            continue
        fitting_columns = [name for name in values if name not in assigned and _fits(part, name, values[name])]
        if fitting_columns:
            by_heading = next(
                (name for name in fitting_columns if re.search(HEADINGS[part], name, re.IGNORECASE)), None
            )
            if by_heading is not None or part in ("grid_ref", "lat_lon"):
                column = by_heading or fitting_columns[0]
                assigned[column] = (part, _describe_reason(part, values[column], by_heading=by_heading is not None))
    no_guess: tuple[str | None, str] = (None, "")
    addresses = _guess_addresses(frame, assigned, has_shapes=has_shapes)
    guesses = {name: assigned.get(name) or addresses.get(name, no_guess) for name in values}
    return [
        ColumnGuess(name, part, reason, tuple(dict.fromkeys(values[name]))[:3], find_reporter_words(values[name]))
        for name, (part, reason) in guesses.items()
    ]


def _guess_addresses(
    frame: pd.DataFrame, assigned: Mapping[str, tuple[str, str]], *, has_shapes: bool
) -> dict[str, tuple[str | None, str]]:
    """The first column of postcodes and of streets, where the file has no coordinates; of others, that they are such.

    Beside coordinates an address may well be that of the person who reports, so a person has to choose it.
    """
    part_names = {part for part, _ in assigned.values()}
    has_place = (
        has_shapes or part_names & {"grid_ref", "lat_lon"} or {"lon", "lat"} <= part_names or {"x", "y"} <= part_names
    )
    guesses: dict[str, tuple[str | None, str]] = {}
    for name, kind in find_address_columns(frame).items():
        part = next(part for part, noun in _ADDRESS_KINDS.items() if noun == kind)
        if has_place or name in assigned:
            guesses[name] = (None, f"its values are {kind}, and the place is known otherwise")
        elif part not in {other for other, _ in guesses.values()}:
            guesses[name] = (part, f"its values are {kind}, and nothing else says where")
        else:
            guesses[name] = (None, f"its values are {kind} too")
    return guesses


def _list_filled(texts: pd.Series) -> list[str]:
    cleaned = [clean_text(str(text)) for text in texts]
    return [text for text in cleaned if text and text not in MISSING]


def _describe_reason(part: str, texts: Sequence[str], *, by_heading: bool) -> str:
    if not by_heading:
        return "its values look like one"
    if part == "reported_by":
        return f"its heading says so, {find_reporter_words(texts).describe_fit()}"
    is_doubtful = (part in ("start", "end") and guess_formats(texts, least=MOST) is None) or (
        part == "clock" and sum(_match_values(part, texts)) < MOST * len(texts)
    )
    return f"its heading says so, and {'most of ' if is_doubtful else ''}its values fit"


def _fits(part: str, name: str, texts: Sequence[str]) -> bool:
    """Whether most of the values can be of that part."""
    if not texts:
        return False
    if part in ("start", "end"):
        return _fits_dates(part, name, texts)
    if part in ("key", "quantity"):
        return _is_key(name, texts) if part == "key" else are_quantities(texts)
    least = MOST_TIMES if part == "clock" else MOST
    return sum(_match_values(part, texts)) >= least * len(texts)


def _match_values(part: str, texts: Sequence[str]) -> list[bool]:
    """Which values can be of that part."""
    column = pd.Series(texts, dtype=object)
    if part in ("lon", "lat", "x", "y"):
        axis: Axis = "lon" if part == "lon" else "lat"
        numbers = parse_degrees(column, axis) if part in ("lon", "lat") else parse_numbers(column, grouped=True)
        low, high = {"lon": (-180, 180), "lat": (-90, 90), "x": (1_000, 800_000), "y": (1_000, 1_400_000)}[part]
        return [low <= number <= high for number in numbers.tolist()]
    if part == "lat_lon":
        points = parse_pairs(column).tolist()
        return [
            bool(_PLACE.search(text)) and np.isfinite(point).all() for text, point in zip(texts, points, strict=True)
        ]
    if part in ("year", "month", "day"):
        low, high = {"year": (1950, 2100), "month": (1, 12), "day": (1, 31)}[part]
        parse = parse_month if part == "month" else _parse_whole
        return [low <= (parse(text) or 0) <= high for text in texts]
    if part == "clock":
        return [is_clock(text) for text in texts]
    shapes = {"grid_ref": GRID_REF.pattern.replace(r"(?:\d\d)", r"(?:\d ?\d)")}
    shape = re.compile(shapes.get(part, ".*"), re.IGNORECASE | re.DOTALL)
    return [shape.fullmatch(text.replace(" ", "") if part == "grid_ref" else text) is not None for text in texts]


def is_clock(text: str) -> bool:
    """Whether a text is a time of day; three figures may as well be minutes."""
    return parse_clock(text) is not None and not re.fullmatch(r"\d{1,3}", text)


def _parse_whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _fits_dates(part: str, name: str, texts: Sequence[str]) -> bool:
    """Whether a heading is about dates and the values are dates; of numbers only if the heading leaves no other."""
    if not re.search(HEADINGS[part], name, re.IGNORECASE):
        return False
    guess = guess_formats(texts, least=MOST_BY_HEADING if _DATE_HEADING.search(name) else MOST)
    return guess is not None and (guess[0][:1] not in _NUMBERS or bool(_DATE_HEADING.search(name)))


def find_address_columns(frame: pd.DataFrame) -> dict[str, str]:
    """The columns whose values are postcodes or names of streets, and which of them."""
    kinds = {"postcodes": _POSTCODE, "street names": _STREET}
    filled = {str(name): _list_filled(frame[name]) for name in frame.columns}
    return {
        name: kind
        for name, texts in filled.items()
        for kind, pattern in kinds.items()
        if texts and sum(bool(pattern.fullmatch(text)) for text in texts) >= MOST * len(texts)
    }


def _is_key(name: str, texts: Sequence[str]) -> bool:
    """Whether nearly each value occurs once, as in a sheet with a row twice; numbers of items may happen to."""
    return len(set(texts)) >= FEWEST_DIFFERENT * len(texts) and not re.search(HEADINGS["quantity"], name, re.IGNORECASE)


def are_quantities(texts: Sequence[str]) -> bool:
    """Whether enough of the texts (n > 0) are numbers of items."""
    return float(np.mean(~parse_quantities(pd.Series(texts, dtype=object)).bad)) >= MOST_QUANTITIES


def find_doubtful_columns(frame: pd.DataFrame, parts: Mapping[str, str]) -> list[str]:
    """Remarks on columns whose values do not look like their part (`parts` maps headings to keys of `PARTS`)."""
    filled = {column: _list_filled(frame[column]) for column in parts}
    return [
        f"CHECK: {column} is chosen as the {PARTS[part]}, but most of its values do not look like one"
        for column, part in parts.items()
        if filled[column] and not _fits(part, column, filled[column])
    ]


def guess_formats(texts: Sequence[str], *, least: float = MOST_BY_HEADING) -> tuple[tuple[str, ...], str] | None:
    """The formats in which most of the texts are dates, and a remark; None if less than the share `least` are dates.

    Numeric dates are read with the day first, as in the UK, unless more values are dates with the month first.
    """
    column = pd.Series(list(texts), dtype="str")
    numbers = DateNumbers()
    numbers.add(texts)
    if numbers.decided is not None:
        return (numbers.decided,), f"numbers: {describe_number_format(numbers.decided)}"
    month_first = tuple(form.replace("%d", "@").replace("%m", "%d").replace("@", "%m") for form in DAY_FIRST)
    best: tuple[float, tuple[str, ...], str] = (0.0, (), "")
    for formats, remark in (
        ((), "ISO 8601"),
        (DAY_FIRST, "day first, as in the UK"),
        (month_first, "month first: some values cannot be day first"),
        (PLAIN, "months as words"),
    ):
        share = 1.0 - float(np.mean(parse_timestamps(column, formats=formats, time_zone="UTC").bad))
        if share > best[0]:
            best = (share, formats, remark)
    if best[0] < least or not best[0]:
        return None
    return _select_used_formats(column, best[1]), best[2]


def _select_used_formats(column: pd.Series, formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats in which at least one value is a date."""
    used_formats = [form for form in formats if pd.to_datetime(column, format=form, errors="coerce").notna().any()]
    return tuple(used_formats)


def guess_layer(name: str, columns: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """The layer that the file's name, headings or values indicate, and the reason; None if they indicate none."""
    patterns = _list_layer_patterns()
    headings = " ".join(columns)
    for place, text in (("the file's name says so", name), ("the headings say so", headings)):
        for layer, pattern in patterns:
            if re.search(pattern, text.replace("_", " "), re.IGNORECASE):
                return layer, place
    for column, texts in columns.items():
        for layer, pattern in patterns:
            if texts and sum(bool(re.search(pattern, text, re.IGNORECASE)) for text in texts) >= MOST * len(texts):
                return layer, f"the values of {column} say so"
    return None


def _list_layer_patterns() -> list[tuple[str, str]]:
    """The layers, each with the pattern of the words that files use for it; general ones last."""
    specs = [spec for spec in LAYERS if spec.words.guess]
    return [(spec.name, spec.words.guess) for spec in sorted(specs, key=lambda spec: spec.words.general)]

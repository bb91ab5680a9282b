"""The rows that are rejected, as a person sees them: their texts, and what may help to correct them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "NEAREST_WARD",
    "REASON_LABELS",
    "build_reject_frame",
    "build_reject_line",
    "explain_reject",
    "format_raw",
    "parse_raw",
    "shorten_texts",
]

NEAREST_WARD: Final = "(nearest ward)"  # beside the columns of a reject
_LONGEST_RAW: Final = 500
_LONGEST_LINE: Final = 300
# What each reason means, in the words of people.
REASON_LABELS: Final = {
    "unreadable_row": "a row that cannot be read",
    "unknown_layer": "an unknown layer",
    "missing_location": "no coordinates, and no address that can be placed",
    "impossible_location": "an impossible location",
    "outside_area": "outside the area",
    "bad_date": "a date that cannot be read",
    "future_date": "a date in the future",
    "end_before_start": "an end before its start",
    "bad_quantity": "not a quantity",
    "test_record": "a test record",
    "duplicate_id": "an identifier used twice",
    "not_selected": "not selected by the source profile",
    "elsewhere": "elsewhere in a wider region",
}


def build_reject_frame(
    texts: dict[str, pd.Series],
    *,
    headings: Sequence[str],
    lines: NDArray[np.int64],
    reasons: NDArray[np.str_],
    keys: NDArray[np.object_],
    nearest: Mapping[int, str],
    addresses: Sequence[Mapping[str, str | None]],
) -> pd.DataFrame:
    """Rejects (line, reason, raw, source_id) of rows (n,): `raw` is a JSON object of the columns, null where blank.

    Its columns are in the order of `headings`, that of the file; what Hexbeat adds, such as NEAREST_WARD, comes last.
    `nearest` says of some rows outside the area how far they are from which ward; `raw` has it as NEAREST_WARD.
    `addresses` (n,) are the columns of the address of a row without coordinates, and why they give no place.
    """
    shortened = {name: shorten_texts(column, _LONGEST_RAW) for name, column in texts.items()}
    contents = [
        {name: shortened[name][k] for name in shortened}
        | {name: text and text[:_LONGEST_RAW] for name, text in addresses[k].items()}
        | ({NEAREST_WARD: nearest[k]} if k in nearest and reasons[k] == "outside_area" else {})
        for k in range(len(lines))
    ]
    places = {name: place for place, name in enumerate(headings)}
    raw = [
        json.dumps(dict(sorted(content.items(), key=lambda cell: places.get(cell[0], len(places)))), ensure_ascii=False)
        for content in contents
    ]
    return pd.DataFrame(
        {
            "line": lines,
            "reason": reasons.astype(object),
            "raw": pd.Series(raw, dtype=object),
            "source_id": keys,
        }
    )


def shorten_texts(texts: pd.Series, longest: int) -> list[str | None]:
    """Texts cut to a length, None for blank ones."""
    return [text[:longest] or None for text in texts]


def explain_reject(reason: str, raw: str) -> str:
    """Why a row was rejected, in words; of an address also what is wrong with it. `raw` is that of the reject.

    As in "no coordinates, and no place by its postcode: not in the gazetteer of Middlesbrough".
    """
    if reason != "missing_location":
        return REASON_LABELS.get(reason, reason)
    notes = parse_raw(raw)
    if choice := notes.get("(choice)"):
        return f"no coordinates, and its street is in several places: {choice}"
    fault = next(((part, notes[f"({part})"]) for part in ("postcode", "street") if notes.get(f"({part})")), None)
    return f"no coordinates, and no place by its {fault[0]}: {fault[1]}" if fault else REASON_LABELS[reason]


def build_reject_line(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rejected row for a narrow table: the load, file, line, why, and how its columns begin, with headings."""
    return {
        "batch": row["batch_id"],
        "file": row["file"],
        "line": row["line"],
        "why": row["why"],
        "row": format_raw(str(row["raw"])),
    }


def format_raw(raw: str) -> str:
    """A rejected row as "heading: text, heading: text", cut where it is long; first what Hexbeat adds in brackets."""
    cells = sorted(parse_raw(raw).items(), key=_is_column)
    text = ", ".join(f"{name}: {'(blank)' if value in (None, '') else value}" for name, value in cells)
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]} \N{HORIZONTAL ELLIPSIS}"


def _is_column(cell: tuple[str, Any]) -> bool:
    """Whether a text is one of the file, and not such as "(choice)" or "(nearest ward)"."""
    return not cell[0].startswith("(")


def parse_raw(raw: str) -> dict[str, Any]:
    """The columns of a rejected row, in their order; what is no JSON object stands under "row"."""
    try:
        columns = json.loads(raw)
    except ValueError:
        return {"row": raw}
    return columns if isinstance(columns, dict) else {"row": raw}

"""The rows that are rejected, as a person sees them: their texts, and what may help to correct them."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["NEAREST_WARD", "build_reject_frame", "shorten_texts"]

NEAREST_WARD: Final = "(nearest ward)"  # beside the columns of a reject
_LONGEST_RAW: Final = 500


def build_reject_frame(
    texts: dict[str, pd.Series],
    *,
    lines: NDArray[np.int64],
    reasons: NDArray[np.str_],
    keys: NDArray[np.object_],
    nearest: Mapping[int, str],
    addresses: Sequence[Mapping[str, str | None]],
) -> pd.DataFrame:
    """Rejects (line, reason, raw, source_id) of rows (n,): `raw` is a JSON object of the columns, null where blank.

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
    raw = [json.dumps(content, ensure_ascii=False) for content in contents]
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

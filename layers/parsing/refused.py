"""Rows that cannot be used, as the store keeps them."""

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["build_reject_frame", "shorten_texts"]

LONGEST_RAW = 500


def build_reject_frame(
    texts: dict[str, pd.Series], *, lines: NDArray[np.int64], reasons: NDArray[np.str_], keys: NDArray[np.object_]
) -> pd.DataFrame:
    """Rejects (line, reason, raw, source_id) of rows (n,): `raw` is a JSON object of the columns, null where blank."""
    some = {name: shorten_texts(column, LONGEST_RAW) for name, column in texts.items()}
    raw = [json.dumps({name: some[name][k] for name in some}, ensure_ascii=False) for k in range(len(lines))]
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

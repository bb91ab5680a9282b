"""Rows that a reader could not split into values, as rejects; and the sheet of rejects, where a file has several."""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from hexbeat.ingest.readers import UnreadableRow

__all__ = ["build_unreadable_frame", "name_sheet"]

UNREADABLE: Final = "unreadable_row"


def build_unreadable_frame(rows: Sequence[UnreadableRow]) -> pd.DataFrame:
    """Rejects (line, reason, raw, source_id) of rows that are no records.

    `raw` says what is wrong, and nothing that the row holds: which of its cells the profile may keep is not known.
    """
    raw = [json.dumps({"problem": row.problem}) for row in rows]
    return pd.DataFrame(
        {
            "line": np.array([row.line for row in rows], dtype=np.int64),
            "reason": pd.Series([UNREADABLE] * len(rows), dtype=object),
            "raw": pd.Series(raw, dtype=object),
            "source_id": pd.Series([None] * len(rows), dtype=object),
        }
    )


def name_sheet(rejects: pd.DataFrame, sheet: str | None) -> pd.DataFrame:
    """The rejects, each with the sheet that its line counts in as the first key of `raw`; None: the file has one."""
    if sheet is None or not len(rejects):
        return rejects
    raw = [json.dumps({"(sheet)": sheet, **json.loads(text)}, ensure_ascii=False) for text in rejects["raw"]]
    return rejects.assign(raw=pd.Series(raw, index=rejects.index, dtype=object))

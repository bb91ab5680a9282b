"""Natural keys: from columns or from the contents of a row, numbered where equal rows are separate reports."""

from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.ingest.parsing.locations import Points
from hexbeat.ingest.sources import Key
from hexbeat.ingest.sources.column_plan import ColumnRoles

__all__ = ["NaturalKeys"]

LONGEST = 200
Flags = NDArray[np.bool_]


class NaturalKeys:
    """The keys of one file; it remembers those that it has assigned, over all chunks."""

    def __init__(self, rules: Key, plan: ColumnRoles) -> None:
        self._numbered = rules.repeats == "number"
        self._plan = plan
        self._number_by_key: dict[str, int] = {}

    def read(
        self, texts: dict[str, pd.Series], place: Points, scope: pd.Series | None, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], Flags]:
        """The key of each of the rows, and whether equal keys are numbered; it does not depend on earlier rows.

        A key of columns is their texts. A row without one gets a hash of its contents in the columns that are read
        (without blank ones, so that a new empty column changes nothing). In a snapshot the key begins with the scope.
        """
        keys = self._join_key_columns(texts, rows)
        blank = np.flatnonzero(keys == "")
        content = self._hash_contents(texts, place, rows[blank])
        keys[blank] = content
        if scope is not None:
            keys = np.array([f"{part}|{key}" for part, key in zip(scope.iloc[rows], keys, strict=True)], dtype=object)
        numbered = np.full(len(rows), self._numbered)
        numbered[blank] = True
        return keys, numbered

    def assign(self, keys: NDArray[np.object_], numbered: Flags) -> tuple[NDArray[np.object_], Flags]:
        """The identifiers (n,) of rows with these keys, and whether each is a repeat that is refused.

        The second of equal keys is KEY#2 where they are numbered.
        """
        names = np.empty(len(keys), dtype=object)
        repeated = np.zeros(len(keys), dtype=np.bool_)
        for row, (key, may_repeat) in enumerate(zip(keys.tolist(), numbered.tolist(), strict=True)):
            number = self._number_by_key.get(key, 0) + 1
            self._number_by_key[key] = number
            names[row] = key if number == 1 else f"{key}#{number}"
            repeated[row] = number > 1 and not may_repeat
        return names, repeated

    def _join_key_columns(self, texts: dict[str, pd.Series], rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """The texts of the key's columns, joined; "" if all are blank or there are none."""
        if not self._plan.key:
            return np.full(len(rows), "", dtype=object)
        columns = [texts[name].iloc[rows].tolist() for name in self._plan.key]
        keys = ["|".join(parts) if any(parts) else "" for parts in zip(*columns, strict=True)]
        return np.array([key if len(key) <= LONGEST else _hash_text(key) for key in keys], dtype=object)

    def _hash_contents(self, texts: dict[str, pd.Series], place: Points, rows: NDArray[np.intp]) -> list[str]:
        names = self._plan.content_columns
        columns = [texts[name].iloc[rows].tolist() for name in names]
        points = [f"{lon:.9f},{lat:.9f}" for lon, lat in place[rows]]
        rows_of_texts = zip(*columns, strict=True) if columns else ((),) * len(rows)
        return [
            _hash_text("\x1f".join([point, *(f"{name}={text}" for name, text in zip(names, row, strict=True) if text)]))
            for point, row in zip(points, rows_of_texts, strict=True)
        ]


def _hash_text(text: str) -> str:
    return blake2b(text.encode(), digest_size=10).hexdigest()

"""Natural keys: from columns or from the contents of a row, numbered where equal rows are separate reports.

The content that names a row leaves out what changes when the record is worked on, such as its status. An older Hexbeat
took every column that is read. `name_former` gives these names, so that a store of before knows its events again.
"""

from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexbeat.ingest.parsing.address_columns import FoundPlaces
from hexbeat.ingest.sources import Key
from hexbeat.ingest.sources.column_plan import ColumnRoles

__all__ = ["NaturalKeys"]

LONGEST = 200
CONTENT_BYTES = 11  # another length than before, so that `hexbeat.store.former_keys` can distinguish the two
FORMER_CONTENT_BYTES = 10
Flags = NDArray[np.bool_]


class NaturalKeys:
    """The keys of one file; it remembers those that it has assigned, over all chunks."""

    def __init__(self, rules: Key, plan: ColumnRoles) -> None:
        self._numbered = rules.repeats == "number"
        self._plan = plan
        self._number_by_key: dict[str, int] = {}
        self._number_by_former_key: dict[str, int] = {}

    def read(
        self, texts: dict[str, pd.Series], places: FoundPlaces, scope: pd.Series | None, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], Flags]:
        """The key of each of the rows, and whether equal keys are numbered; it does not depend on earlier rows.

        A key of columns is their texts. A row without one gets a hash of its contents in the columns that do not change
        (without blank ones, so that a new empty column changes nothing), and of its coordinates; of a row without them
        the text of its address, so that a newer gazetteer changes nothing. In a snapshot the key begins with the scope.
        """
        keys = self._join_key_columns(texts, rows)
        blank = np.flatnonzero(keys == "")
        keys[blank] = self._hash_contents(
            texts, places, rows[blank], columns=self._plan.identity_columns, size=CONTENT_BYTES
        )
        keys = _add_scopes(keys, scope, rows)
        numbered = np.full(len(rows), self._numbered)
        numbered[blank] = True
        return keys, numbered

    def assign(self, keys: NDArray[np.object_], numbered: Flags) -> tuple[NDArray[np.object_], Flags]:
        """The identifiers (n,) of rows with these keys, and whether each is a repeat that is refused.

        The second of equal keys is KEY#2 where they are numbered.
        """
        names, numbers = _number_repeats(keys, self._number_by_key)
        return names, (numbers > 1) & ~numbered

    def name_former(
        self, texts: dict[str, pd.Series], places: FoundPlaces, scope: pd.Series | None, rows: NDArray[np.intp]
    ) -> NDArray[np.object_]:
        """The identifiers (n,) under which an older Hexbeat stored these rows; None where it is the same as today's."""
        blank = np.flatnonzero(self._join_key_columns(texts, rows) == "")
        content = self._hash_contents(
            texts, places, rows[blank], columns=self._plan.content_columns, size=FORMER_CONTENT_BYTES
        )
        names = np.full(len(rows), None, dtype=object)
        keys = _add_scopes(np.array(content, dtype=object), scope, rows[blank])
        names[blank], _ = _number_repeats(keys, self._number_by_former_key)
        return names

    def _join_key_columns(self, texts: dict[str, pd.Series], rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """The texts of the key's columns, joined; "" if all are blank or there are none."""
        if not self._plan.key:
            return np.full(len(rows), "", dtype=object)
        columns = [texts[name].iloc[rows].tolist() for name in self._plan.key]
        keys = ["|".join(parts) if any(parts) else "" for parts in zip(*columns, strict=True)]
        return np.array([key if len(key) <= LONGEST else _hash_text(key) for key in keys], dtype=object)

    def _hash_contents(
        self,
        texts: dict[str, pd.Series],
        places: FoundPlaces,
        rows: NDArray[np.intp],
        *,
        columns: tuple[str, ...],
        size: int,
    ) -> list[str]:
        names = columns
        texts_by_column = [texts[name].iloc[rows].tolist() for name in names]
        points = [
            address or f"{lon:.9f},{lat:.9f}"
            for address, (lon, lat) in zip(places.address[rows], places.place[rows], strict=True)
        ]
        rows_of_texts = zip(*texts_by_column, strict=True) if names else ((),) * len(rows)
        return [
            _hash_text(
                "\x1f".join([point, *(f"{name}={text}" for name, text in zip(names, row, strict=True) if text)]),
                size=size,
            )
            for point, row in zip(points, rows_of_texts, strict=True)
        ]


def _add_scopes(keys: NDArray[np.object_], scope: pd.Series | None, rows: NDArray[np.intp]) -> NDArray[np.object_]:
    """The keys of these rows, which begin with the scope of a snapshot."""
    if scope is None:
        return keys
    return np.array([f"{part}|{key}" for part, key in zip(scope.iloc[rows], keys, strict=True)], dtype=object)


def _number_repeats(
    keys: NDArray[np.object_], number_by_key: dict[str, int]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The names (n,) of keys, KEY#2 for the second of equal ones, and their numbers (n,), which are remembered."""
    names, numbers = np.empty(len(keys), dtype=object), np.empty(len(keys), dtype=np.int64)
    for row, key in enumerate(keys.tolist()):
        number = number_by_key.get(key, 0) + 1
        number_by_key[key] = number
        names[row], numbers[row] = key if number == 1 else f"{key}#{number}", number
    return names, numbers


def _hash_text(text: str, *, size: int = FORMER_CONTENT_BYTES) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()

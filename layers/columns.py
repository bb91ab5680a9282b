"""Live events as columns: what the screens and the counts read instead of rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.catalogue import LAYERS

__all__ = ["Columns", "mark_states"]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Live events of one store version, one array a column, all of length n and sorted by `start` (then row_id).

    `start` and `end` are UTC seconds (int64); end == start for an instant, else the half-open end. `layer`, `precision`
    and `reported_by` are codes into LAYERS, PRECISIONS, REPORTERS (uint8). `ward` indexes `ward_codes` (int16).
    `cell[r]` indexes `cell_ids[r]` (int32 into sorted uint64), for r in RESOLUTIONS. lon and lat are WGS 84 degrees.
    """

    version: int
    row_id: NDArray[np.int64]
    layer: NDArray[np.uint8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    precision: NDArray[np.uint8]
    quantity: NDArray[np.int32]
    reported_by: NDArray[np.uint8]
    ward: NDArray[np.int16]
    ward_codes: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    cell: Mapping[int, NDArray[np.int32]]
    cell_ids: Mapping[int, NDArray[np.uint64]]
    demonstration: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.start)


def mark_states(layer: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of these layer codes (n,) are of layers of states, which count while they are in force."""
    return np.asarray(np.array([spec.kind == "state" for spec in LAYERS])[layer])

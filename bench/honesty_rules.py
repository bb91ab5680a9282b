"""The rules that bench.honesty compares: each takes values and neighbours, and gives the hot cells, bool (n,)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.sparse import csr_array

from geo.hotspots import benjamini_hochberg, gi_star, hotspots, p_values

Rule = Callable[[NDArray[np.float64], csr_array], NDArray[np.bool_]]
LEVEL = 0.05


def normal(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """The usual way: z, normal tail, Benjamini-Hochberg."""
    return benjamini_hochberg(special.ndtr(-gi_star(values, neighbours))) <= LEVEL


def exact(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """Exact p-values, Benjamini-Hochberg, one step."""
    return benjamini_hochberg(p_values(values, neighbours)) <= LEVEL


def mid_p_step_down(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """Exact mid-p; the values of found cells alone leave the background; again until nothing new is found."""
    background = np.ones(len(values), dtype=bool)
    while True:
        is_hot = benjamini_hochberg(p_values(values, neighbours, mid=True, background=background)) <= LEVEL
        remaining = background & ~is_hot
        if remaining.sum() == background.sum():
            return is_hot
        background = remaining


def ours(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """geo.hotspots.hotspots: exact p; the neighbourhoods of surely found cells leave the background."""
    return hotspots(values, neighbours, LEVEL).kind == 1


def ours_mid_p(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """As ours, with mid-p."""
    return hotspots(values, neighbours, LEVEL, mid=True).kind == 1


def esda_permutations(values: NDArray[np.float64], neighbours: csr_array) -> NDArray[np.bool_]:
    """What esda's 999 conditional permutations and Benjamini-Hochberg find; only where esda is installed."""
    from esda.getisord import G_Local  # noqa: PLC0415 (no dependency of the project)
    from libpysal.weights import WSP  # noqa: PLC0415 (as above)

    weights = WSP(neighbours.tocsr()).to_W(silence_warnings=True)
    local = G_Local(values, weights, transform="B", star=None, permutations=999, seed=1, n_jobs=1)
    return (local.Zs > 0) & (benjamini_hochberg(np.where(local.Zs > 0, local.p_sim, 1.0)) <= LEVEL)


RULES: dict[str, Rule] = {
    "normal": normal,
    "exact": exact,
    "mid-p step-down": mid_p_step_down,
    "Hexbeat": ours,
    "Hexbeat, mid-p": ours_mid_p,
}

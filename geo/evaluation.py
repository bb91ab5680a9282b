"""Was the map right, and did the action work? Prediction accuracy, and the weighted displacement difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.tails import share_interval

__all__ = [
    "AccuracyAtShare",
    "Displacement",
    "accuracy_at_share",
    "prediction_accuracy",
    "sum_within_shares",
    "weighted_displacement_difference",
]


def prediction_accuracy(
    observed: NDArray[np.float64], predicted: NDArray[np.float64], area: NDArray[np.float64]
) -> pd.DataFrame:
    """PAI, PEI and RRI of the first 1, 2, … cells in order of predicted density (predicted / area), highest first.

    `observed` events, `predicted` scores or events, `area` km2 or any one unit (above 0), (n,) each. Row k is about the
    first k + 1 cells together; columns `cell` (position in the input), `observed`, `predicted`, `area`, `area_share`,
    `event_share`, `PAI` (event share / area share; 1 is no better than chance), `PEI` (PAI / the best PAI that as many
    cells could have had; 1 is perfect) and `RRI` (predicted / observed events so far; meaningful only for predicted
    numbers of events, and infinite or NaN while none was observed). Equal densities take the order that is worst for
    the prediction (fewest observed events first), so that ties never flatter it.
    Misleads: PAI grows without limit as the area shrinks, so compare at one area share. PEI with unequal areas compares
    unequal areas. With no events at all, PAI and PEI are NaN.
    Sources: Chainey, Tompson and Uhlig 2008 (PAI); Hunt 2016 (PEI); Levine 2008 (RRI); Wheeler and Steenbeek 2021.
    """
    observed, predicted, area = (np.asarray(column, dtype=np.float64) for column in (observed, predicted, area))
    if not (observed.shape == predicted.shape == area.shape) or observed.ndim != 1 or not (area > 0).all():
        raise UsageError(
            "Observed, predicted and area need one number for each of the same cells, with areas above 0",
            f"their shapes are {observed.shape}, {predicted.shape} and {area.shape}",
            "make all three from the same list of cells",
        )
    order = _order_by_density(observed, predicted, area)
    best = np.argsort(-observed / area, kind="stable")
    with np.errstate(divide="ignore", invalid="ignore"):
        area_share, event_share = _compute_running_shares(area[order]), _compute_running_shares(observed[order])
        accuracy = event_share / area_share
        return pd.DataFrame(
            {
                "cell": order,
                "observed": observed[order],
                "predicted": predicted[order],
                "area": area[order],
                "area_share": area_share,
                "event_share": event_share,
                "PAI": accuracy,
                "PEI": accuracy / (_compute_running_shares(observed[best]) / _compute_running_shares(area[best])),
                "RRI": np.cumsum(predicted[order]) / np.cumsum(observed[order]),
            }
        )


def sum_within_shares(
    observed: NDArray[np.float64], predicted: NDArray[np.float64], area: NDArray[np.float64], shares: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Observed and predicted in the first `shares` of all the area, in the order of `prediction_accuracy`: (shares,).

    The last cell counts in part. The same columns of `prediction_accuracy` give the same, and much more.
    """
    order = _order_by_density(observed, predicted, area)
    curve = np.concatenate([[0.0], _compute_running_shares(area[order])])
    caught, expected = (
        np.interp(shares, curve, np.concatenate([[0.0], np.cumsum(column[order])])) for column in (observed, predicted)
    )
    return caught, expected


def _order_by_density(
    observed: NDArray[np.float64], predicted: NDArray[np.float64], area: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Cells by predicted density, the highest first; of equal ones those with fewest observed events."""
    return np.lexsort((observed, -predicted / area))


def _compute_running_shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running sums as shares of the whole."""
    sums: NDArray[np.float64] = np.cumsum(values)
    return sums / sums[-1:]


@dataclass(frozen=True, slots=True)
class AccuracyAtShare:
    """The events in the best-predicted part of the area: `cells` cells with `area_share` of it, `hits` of `events`.

    `hit_rate` = hits / events with the exact (Clopper-Pearson) 95 % interval; `PAI` with the interval that follows.
    The interval takes events as independent: near repeats make it too narrow.
    """

    cells: int
    area_share: float
    events: float
    hits: float
    hit_rate: float
    hit_rate_interval: tuple[float, float]
    pai: float
    pai_interval: tuple[float, float]
    pei: float
    rri: float


def accuracy_at_share(accuracy: pd.DataFrame, *, share: float) -> AccuracyAtShare:
    """The accuracy at an area share (0 to 1): of the most cells that together have at most this share of the area.

    At least one cell is taken, even where it is larger than the share. Shared (fractional) events are rounded to whole
    ones for the interval alone. With no events, the rates are NaN and the interval is 0 to 1.
    """
    place = max(int((accuracy["area_share"] <= share * (1 + 1e-12)).sum()) - 1, 0)
    row = accuracy.iloc[place]
    events, hits = float(accuracy["observed"].sum()), float(accuracy["observed"].iloc[: place + 1].sum())
    low, high = (0.0, 1.0) if round(events) < 1 else share_interval(round(hits), round(events))
    area_share = float(row["area_share"])
    return AccuracyAtShare(
        cells=place + 1,
        area_share=area_share,
        events=events,
        hits=hits,
        hit_rate=float(row["event_share"]),
        hit_rate_interval=(low, high),
        pai=float(row["PAI"]),
        pai_interval=(low / area_share, high / area_share),
        pei=float(row["PEI"]),
        rri=float(row["RRI"]),
    )


@dataclass(frozen=True, slots=True)
class Displacement:
    """The change in a treated place beyond that of its control, plus displacement next to it; minus is fewer events.

    `estimate` = `local` + `displacement`; `standard_error`, `z` and `interval` are the estimate's.
    """

    local: float
    local_standard_error: float
    displacement: float
    displacement_standard_error: float
    estimate: float
    standard_error: float
    z: float
    interval: tuple[float, float]


def weighted_displacement_difference(
    control: tuple[float, float],
    treated: tuple[float, float],
    displacement_control: tuple[float, float] | None = None,
    displacement_treated: tuple[float, float] | None = None,
    *,
    time_weights: tuple[float, float] | None = None,
    area_weights: tuple[float, float, float, float] | None = None,
    alpha: float = 0.05,
) -> Displacement:
    """The weighted displacement difference of pairs (before, after) of event counts, with a 1 - `alpha` interval.

    (treated after - before) - (control after - before), plus the same for the displacement areas where given (None: 0).
    `time_weights` the lengths of (before, after) in one unit; `area_weights` the sizes of (control, treated,
    displacement control, displacement treated): counts are divided by them. None means all equal.
    Takes counts as Poisson: with overdispersed counts, or fewer than about ten in a pair, the interval is too narrow.
    With no events at all z is NaN. Raises UsageError for negative counts, weights not above 0 or alpha not in (0, 1).
    Source: Wheeler and Ratcliffe 2018, Crime Science 7:11.
    """
    pairs = np.array([control, treated, displacement_control or (0, 0), displacement_treated or (0, 0)], dtype=float)
    weights = np.outer(area_weights or (1, 1, 1, 1), time_weights or (1, 1))
    if not (pairs >= 0).all() or not (weights > 0).all() or not 0 < alpha < 1:
        raise UsageError(
            "Counts are 0 or more, weights above 0, and alpha lies between 0 and 1",
            f"the counts are {pairs.tolist()}, alpha is {alpha}",
            "give counts as pairs (before, after)",
        )
    change = np.diff(pairs / weights, axis=1)[:, 0]
    variance = (pairs / weights**2).sum(axis=1)
    local, displacement = float(change[1] - change[0]), float(change[3] - change[2])
    estimate, error = local + displacement, float(np.sqrt(variance.sum()))
    reach = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Displacement(
        local=local,
        local_standard_error=float(np.sqrt(variance[:2].sum())),
        displacement=displacement,
        displacement_standard_error=float(np.sqrt(variance[2:].sum())),
        estimate=estimate,
        standard_error=error,
        z=estimate / error if error > 0 else float("nan"),
        interval=(estimate - reach, estimate + reach),
    )

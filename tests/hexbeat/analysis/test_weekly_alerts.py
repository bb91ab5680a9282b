"""How often noise rings by Farrington's method: some of the table again, by simulation, and how it is looked up."""

import numpy as np
import pytest

from geo.farrington import farrington_flexible
from hexbeat.analysis.weekly_alerts import ALPHA, MEANS, RATES, RATIOS, YEARS, estimate_weekly_alarms


def test_the_table_is_whole_and_rises_with_unevenness() -> None:
    assert set(RATES) == {(years, ratio) for years in YEARS for ratio in RATIOS}
    assert all(len(row) == len(MEANS) for row in RATES.values())
    assert all(0 <= rate < 0.05 for row in RATES.values() for rate in row)


@pytest.mark.slow
@pytest.mark.parametrize(("years", "mean"), [(3, 8.0), (5, 2.0)])
def test_the_table_is_what_noise_does(years: int, mean: float) -> None:
    noise = np.random.default_rng(5).poisson(mean, (52 * years + 10, 400)).astype(float)
    rang = int(farrington_flexible(noise, last=1, alpha=ALPHA).alarm[-1].sum())
    held = 400 * RATES[years, 1.0][MEANS.index(mean)]
    assert abs(rang - held) <= 4 * np.sqrt(max(held, 1.0))


def test_places_add_up_and_silent_ones_never_ring() -> None:
    generator = np.random.default_rng(2)
    one = generator.poisson(8.0, (170, 1)).astype(float)
    alone = estimate_weekly_alarms(one)
    assert alone == pytest.approx(RATES[3, 1.0][MEANS.index(8.0)] * 365.25 / 7, rel=0.3)
    assert estimate_weekly_alarms(np.column_stack([one, one, np.zeros(170)])) == pytest.approx(2 * alone)
    assert estimate_weekly_alarms(np.zeros((170, 4))) == 0
    wave = 1 + 0.8 * np.sin(2 * np.pi * np.arange(260) / 52)
    seasonal = generator.poisson(20 * wave[:, None], (260, 30)).astype(float)
    flat = generator.poisson(20, (260, 30)).astype(float)
    assert estimate_weekly_alarms(seasonal) == pytest.approx(estimate_weekly_alarms(flat), rel=0.25)

"""False alarms a year: rarer with stricter settings, summed over places, and right when simulated directly."""

import numpy as np
import pytest

from hexbeat.analysis.false_alarms import METHODS, Setting, detect, simulate, sum_false_alarms

SETTING = Setting()


def test_quiet_places_never_ring_and_places_add_up() -> None:
    noise = np.random.default_rng(1).poisson(0.5, size=(365, 1)).astype(float)
    one = sum_false_alarms(noise, SETTING)
    assert one > 0
    assert sum_false_alarms(np.zeros((365, 3)), SETTING) == 0
    assert sum_false_alarms(np.column_stack([noise, noise, np.zeros(365)]), SETTING) == pytest.approx(2 * one)


def test_any_method_rings_no_less_than_each_and_no_more_than_all() -> None:
    each = [simulate(0.5, 1.0, Setting((name,))) for name in METHODS]
    assert max(each) <= simulate(0.5, 1.0, SETTING) <= sum(each)


def test_stricter_settings_ring_less() -> None:
    usual = simulate(0.5, 1.0, SETTING)
    assert simulate(0.5, 1.0, Setting(fewest=5)) < usual
    assert simulate(0.5, 1.0, Setting(sigma_floor=2.0)) < usual
    assert simulate(0.5, 4.0, SETTING) > usual


def test_it_is_what_noise_rings_in_other_years() -> None:
    noise = np.random.default_rng(99).poisson(0.5, size=(28 + 5 + 3650, 20)).astype(float)
    rang = np.logical_or.reduce([detect(noise, SETTING, name).alarm for name in METHODS])
    measured = rang.sum() / 20 / (3650 / 365.25)
    assert simulate(0.5, 1.0, SETTING) == pytest.approx(measured, rel=0.1)

"""The rows of an evaluation for people: no count to a decimal that nobody knows."""

import math

import pytest

from hexbeat.evaluation.outcome_rows import format_side_number, round_side_rows


@pytest.mark.parametrize(
    ("value", "text"),
    [(327.3, "327"), (-408.34, "-408"), (9.96, "10"), (7.94, "7.9"), (0.0, "0"), (math.nan, "\N{EN DASH}")],
)
def test_a_count_has_no_decimals_from_ten_on(value: float, text: str) -> None:
    assert format_side_number(value) == text


def test_rows_of_a_table_are_rounded_alike_and_keep_their_p_value() -> None:
    row = {"where": "here", "before": 509.73, "low": -7.25, "p_value": 0.0123, "verdict": "fewer than expected"}
    assert round_side_rows([row]) == [row | {"before": 510.0, "low": -7.2}]

"""costs.toml: what it may say; sums that never take what is not costed as nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import DataError
from geo.poisson_sums import Interval
from layers.costs import NO_COSTS, Cost, Costs, add_up, format_cost, format_pounds, parse_costs

WHOLE = """
[[costs]]
layer = "overdoses"
pounds = 300
source = "a publication"
year = 2018
leaves_out = "hospital"

[[costs]]
layer = "overdoses"
category = "fatal"
pounds = 1000.5
source = "another"
year = 2020
leaves_out = "the life that was lost."
"""
COSTS = parse_costs(WHOLE.encode())
RULE = "costs.toml holds [[costs]] with layer, pounds, source, year and leaves_out, and maybe category"
HINT = "see docs/costs.md, or remove the file: without it nothing is costed"
KEYS = st.sampled_from([("overdoses", "fatal"), ("overdoses", "not fatal"), ("overdoses", ""), ("needle_litter", "")])
COUNTS = st.dictionaries(KEYS, st.floats(0.01, 1e4))


def test_a_category_has_its_own_cost_and_the_others_that_of_the_layer() -> None:
    found = [COSTS.find("overdoses", name) for name in ("fatal", "Fatal", "not fatal", "")]
    assert [unit.pounds if unit else None for unit in found] == [1000.5, 1000.5, 300, 300]
    assert COSTS.find("needle_litter") is None


def test_without_a_file_or_with_an_empty_one_nothing_is_costed() -> None:
    assert parse_costs(None) == parse_costs(b"") == NO_COSTS
    assert add_up(NO_COSTS, {("overdoses", ""): 4.0}, layers=["overdoses"]) == Cost(None, 0.0, 4.0)


@pytest.mark.parametrize(
    ("old", "new", "fact", "hint"),
    [
        (
            "overdoses",
            "overdose",
            "number 1: layer has 'overdose', which Hexbeat does not know",
            "did you mean 'overdoses'?",
        ),
        (
            '"fatal"',
            '"fatale"',
            "number 2: category has 'fatale', which Hexbeat does not know",
            "did you mean 'fatal'?",
        ),
        ("pounds = 300", "pounds = 0", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = true", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = inf", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = 1e308", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = 100000000.01", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = 0.009", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = 1" + "0" * 400, "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("pounds = 300", "pounds = nan", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ('"fatal"', "[]", "number 2: category is not a text", HINT),
        ("pounds = 300", "pounds = " + "[" * 5000, "it is not TOML (RecursionError)", HINT),
        ("pounds = 300", "", "number 1: pounds is not a number from 0.01 to 100,000,000", HINT),
        ("year = 2018", "year = 18", "number 1: year is not that of the prices", HINT),
        ('source = "a publication"', "", "number 1 has no source", HINT),
        ('leaves_out = "hospital"', 'leaves_out = " "', "number 1 has no leaves_out", HINT),
        ("year = 2018", "years = 2018", "number 1 has 'years', which Hexbeat does not know", "did you mean 'year'?"),
        ('category = "fatal"', "", "Overdoses has 2 costs", HINT),
        ("[[costs]]\nlayer", "[[cost]]\nlayer", "it has 'cost', which Hexbeat does not know", "did you mean 'costs'?"),
        ("[[costs]]", "[[costs", "it is not TOML (TOMLDecodeError)", HINT),
    ],
)
def test_what_else_it_says_is_refused(old: str, new: str, fact: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_costs(WHOLE.replace(old, new).encode())
    assert str(caught.value) == f"{RULE}; {fact}; {hint}"


def test_pence_are_kept_and_nothing_finer_and_the_dearest_can_be_said() -> None:
    (unit, dear) = parse_costs(WHOLE.replace("300", "38.506").replace("1000.5", "100_000_000").encode()).units
    assert (unit.pounds, dear.pounds) == (38.51, 1e8)
    assert format_cost(add_up(Costs((dear,)), {("overdoses", "fatal"): 2e6})).startswith("£200,000,000,000,000 (")


@given(COUNTS)
def test_the_sum_is_of_costed_events_and_the_others_are_counted(counts: dict[tuple[str, str], float]) -> None:
    cost = add_up(COSTS, counts)
    left = counts.get(("needle_litter", ""), 0.0)
    assert cost.not_costed == left
    assert cost.costed == pytest.approx(sum(counts.values()) - left)
    if not cost.costed:
        assert cost.pounds is None
        return
    expected = sum(
        (1000.5 if name == "fatal" else 300) * n for (layer, name), n in counts.items() if layer == "overdoses"
    )
    assert cost.pounds is not None
    assert cost.pounds.value == pytest.approx(expected)
    assert cost.pounds.low <= cost.pounds.value <= cost.pounds.high


def test_no_event_of_a_costed_layer_is_not_certainly_no_pounds() -> None:
    none = add_up(COSTS, {}, layers=["overdoses"])
    assert format_cost(none) == "£0 (95 % interval £0 to £3,690)"
    assert format_cost(add_up(COSTS, {}, layers=["needle_litter"])) == "not costed"


def test_a_sum_is_never_said_without_its_interval() -> None:
    assert format_cost(Cost(Interval(1260.4, 600.2, 2309.0), 5, 0)) == "£1,260 (95 % interval £600 to £2,310)"
    assert format_cost(Cost(Interval(1260.4, 600.2, 2309.0), 5, 3)) == (
        "£1,260 (95 % interval £600 to £2,310), 3 not costed"
    )
    assert Cost(None, 0, 3).to_json() == {"pounds": None, "low": None, "high": None, "events_not_costed": 3}
    assert [format_pounds(value) for value in (0, 0.4, -1234567, 999.6, 14051)] == [
        "£0",
        "£0",
        "\N{MINUS SIGN}£1,230,000",
        "£1,000",
        "£14,100",
    ]


def test_what_the_pounds_rest_on_is_said() -> None:
    assert COSTS.describe(["overdoses", "needle_litter"]) == [
        "Overdoses: £300 each, in prices of 2018 (a publication). Leaves out: hospital.",
        "Overdoses, fatal: £1,000.50 each, in prices of 2020 (another). Leaves out: the life that was lost.",
        "Not costed: needle finds.",
        "The interval is that of the number of events. The unit costs themselves are taken as exact.",
    ]

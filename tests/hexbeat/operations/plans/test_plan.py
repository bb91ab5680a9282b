import pytest

from hexbeat.operations.plans.plan import Plan, PlanKind, describe_optimality, describe_share, headline
from tests.support.plans import change_plan, example_plan, make_small_plan

JUDGED = change_plan(make_small_plan(), held=(0.11, 0.084, 0.141), held_weeks=8, wards=())


def test_the_headline_says_what_such_plans_held_before_it_says_the_forecast() -> None:
    assert headline(JUDGED) == (
        "One team, 1 stop. In the last 8 weeks the stops of such plans held 11 % (95 % interval 8 to 14 %) of all "
        "reports of street dealing in the area, at any hour. The forecast for the stops in these hours (24 Oct 2026, "
        "22:00 to 04:00) is 6 % (0.2 of 4): it is no promise."
    )


@pytest.mark.parametrize(
    ("wards", "words"),
    [
        ((), "in the area"),
        (("E05009857",), "in the chosen ward"),
        (("E05009857", "E05009858"), "in the chosen wards"),
        (None, "in the wards of the plan"),
    ],
)
def test_the_shares_are_of_the_ground_that_was_chosen(wards: tuple[str, ...] | None, words: str) -> None:
    judged = describe_share(change_plan(JUDGED, wards=wards))
    assert f"of all reports of street dealing {words}, at any hour. The forecast for the stops in these hours" in judged
    assert f" of the reports of street dealing {words} come at the stops" in describe_share(
        change_plan(make_small_plan(), wards=wards)
    )


def test_a_past_that_could_not_be_judged_is_said() -> None:
    assert headline(change_plan(make_small_plan(), wards=())) == (
        "One team, 1 stop. How much such plans held in past weeks could not be judged. The forecast for 24 Oct 2026, "
        "22:00 to 04:00 is that 6 % (0.2 of 4) of the reports of street dealing in the area come at the stops: it "
        "is no promise."
    )


def test_several_teams_and_layers_share_one_sentence() -> None:
    plan = change_plan(
        example_plan(stops=3, teams=2), held=(0.2, 0.1, 0.3), held_weeks=8, wards=("E05009857", "E05009858")
    )
    assert headline(plan) == (
        "Two teams, 3 stops each. In the last 8 weeks the stops of such plans held 20 % (95 % interval 10 to 30 %) of "
        "all reports of street dealing and needle finds (weighed as chosen) in the chosen wards, at any hour. The "
        "forecast for the stops of the 2 teams together in these hours (27 Nov 2026, 22:00 to 04:00) is 33 % (12 of "
        "36): it is no promise."
    )


def test_a_sweep_is_not_judged_by_past_weeks_and_says_so() -> None:
    assert headline(example_plan(stops=3, teams=2, kind=PlanKind.SWEEP)) == (
        "Two crews, 3 stops each. By finds of late 33 % of the needles thought to lie at the places that a sweep may "
        "go to are at the stops of the 2 crews together (12 of 36): it is no promise, as how much such sweeps held in "
        "past weeks is not judged."
    )


def test_where_nothing_is_forecast_no_share_is_said() -> None:
    nothing = change_plan(make_small_plan(), expected=0.0, covered=0.0)
    assert describe_share(nothing) == "No reports of street dealing are forecast for 24 Oct 2026, 22:00 to 04:00."
    assert describe_share(change_plan(nothing, kind=PlanKind.SWEEP)) == (
        "There are no needles thought to lie at the places that a sweep may go to."
    )
    assert headline(change_plan(make_small_plan(), tours=())) == (
        "Nothing fits: no place can be reached, visited and left within these hours."
    )


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (change_plan(make_small_plan(), gap=0.0), "Proved best: no plan of these places and hours collects more."),
        (
            change_plan(make_small_plan(), gap=0.004, proved=True),
            "It collects 99.6 % of the proved best of these places and hours: the price of tours that vary.",
        ),
        (
            make_small_plan(),
            "It collects 83 % or more of the most that any plan of these places and hours could, by a calculated bound",
        ),
        (change_plan(make_small_plan(), gap=0.0001, proved=True), "It collects 99.9 % of the proved best "),
    ],
)
def test_how_near_the_best_a_plan_is_and_what_kind_of_bound_says_so(plan: Plan, words: str) -> None:
    assert describe_optimality(plan).startswith(words)

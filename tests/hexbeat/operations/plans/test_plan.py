import pytest

from hexbeat.operations.plans.plan import Plan, PlanKind, describe_optimality, describe_share, headline
from tests.support.plans import change_plan, example_plan, make_small_plan

JUDGED = change_plan(make_small_plan(), held=(0.11, 0.084, 0.141), held_weeks=8, wards=())


def test_the_headline_has_one_number_what_such_plans_held() -> None:
    assert headline(JUDGED) == (
        "One team, 1 stop. The stops of such plans held 11 % of reports of street dealing in the area in the last 8 "
        "weeks (8 to 14 %)."
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
    assert judged.startswith(
        f"The stops of such plans held 11 % of reports of street dealing {words} in the last 8 weeks "
    )
    unjudged = describe_share(change_plan(make_small_plan(), wards=wards))
    assert f" is that the stops hold 6 % of reports of street dealing {words}. It is no promise." in unjudged


def test_without_a_past_the_headline_has_the_forecast() -> None:
    assert headline(change_plan(make_small_plan(), wards=())) == (
        "One team, 1 stop. The forecast for 24 Oct 2026, 22:00 to 04:00 is that the stops hold 6 % of reports of "
        "street dealing in the area. It is no promise."
    )


def test_several_teams_and_layers_share_one_sentence() -> None:
    plan = change_plan(
        example_plan(stops=3, teams=2), held=(0.2, 0.1, 0.3), held_weeks=8, wards=("E05009857", "E05009858")
    )
    assert headline(plan) == (
        "Two teams, 3 stops each. The stops of such plans held 20 % of reports of street dealing and needle finds "
        "(weighed as chosen) in the chosen wards in the last 8 weeks (10 to 30 %)."
    )


def test_a_sweep_is_not_judged_by_past_weeks_and_says_so() -> None:
    assert headline(example_plan(stops=3, teams=2, kind=PlanKind.SWEEP)) == (
        "Two crews, 3 stops each. The stops of the 2 crews together hold 33 % of the needles expected at the places to "
        "sweep (12 of 36). That follows recent finds. It is no promise."
    )


def test_where_nothing_is_forecast_no_share_is_said() -> None:
    nothing = change_plan(make_small_plan(), expected=0.0, covered=0.0)
    assert describe_share(nothing) == "No reports of street dealing are forecast for 24 Oct 2026, 22:00 to 04:00."
    assert describe_share(change_plan(nothing, kind=PlanKind.SWEEP)) == (
        "No needles are expected at the places to sweep."
    )
    assert headline(change_plan(make_small_plan(), tours=())) == (
        "Nothing fits: no place can be reached, visited and left within these hours."
    )


FOR_THESE = "for these places and hours"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (change_plan(make_small_plan(), gap=0.0), f"Proved best: no plan {FOR_THESE} collects more."),
        (
            change_plan(make_small_plan(), gap=0.004, proved=True),
            f"It collects 99.6 % of the proved best plan {FOR_THESE}. The rest is the price of tours that vary.",
        ),
        (
            make_small_plan(),
            f"It collects 83 % or more of the most that any plan {FOR_THESE} could. That is a calculated limit, and "  # noqa: ISC004 - one text
            "perhaps no plan reaches it.",
        ),
        (
            change_plan(make_small_plan(), gap=0.0001, proved=True),
            f"It collects 99.9 % of the proved best plan {FOR_THESE}. The rest is the price of tours that vary.",
        ),
    ],
)
def test_how_near_the_best_a_plan_is_and_what_kind_of_bound_says_so(plan: Plan, words: str) -> None:
    assert describe_optimality(plan) == words

"""evaluate and naloxone: the contract of their JSON, their files, and wrong questions."""

import datetime as dt
import json
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hexbeat.operations.plans.plan import Place, Plan, PlanKind, PlanScope, PlanWorth, Stop, Tour
from hexbeat.operations.plans.plan_store import save_plan
from tests.support.cli import Run, answer
from tests.support.demonstrations import filled_store
from tests.support.papers import read_paper
from tests.support.stores import documents_in

PLACE = ("--at", "54.5742,-1.2350", "--start", "2026-03-01", "--layer", "needle_litter")


@pytest.mark.slow
def test_a_place_is_judged_and_the_rule_comes_first(ask: Run) -> None:
    payload = answer(ask("evaluate", *PLACE, "--format", "json"))
    assert [row["where"] for row in payload["rows"]] == ["here", "next door", "both together"]
    assert set(payload["rows"][0]) == {
        "where", "before", "after", "expected", "difference", "low", "high", "like_before", "like_after", "p_value",
        "verdict",
    }  # fmt: skip
    assert payload["verdict"] == "too few events to say"
    assert payload["rows"][2]["p_value"] is None
    assert payload["rule"][0] == (
        "Treated: within 150 m of the place at 54.5742, -1.2350. Next door: the 200 m around that."
    )
    assert len(payload["rule_sha256"]) == 64
    assert payload["demonstration"] == "synthetic events, not real"
    table = ask("evaluate", *PLACE)
    assert table.err.splitlines()[0] == payload["rule"][0]
    assert " ".join(table.out.split()).startswith(payload["sentence"])


@pytest.mark.slow
def test_a_rule_that_was_fixed_gives_the_same_answer(ask: Run, tmp_path: Path) -> None:
    rule = tmp_path / "rule.json"
    fixed = answer(ask("evaluate", *PLACE, "--plan-only", "--out", rule, "--format", "json"))
    assert "rows" not in fixed
    later = answer(ask("evaluate", "--rule", rule, "--format", "json"))
    assert later["rule_sha256"] == fixed["rule_sha256"] == json.loads(rule.read_text())["sha256"]
    assert later["rows"] == answer(ask("evaluate", *PLACE, "--format", "json"))["rows"]


@pytest.mark.slow
def test_closures_are_listed_judged_and_written(ask: Run, tmp_path: Path) -> None:
    closures = answer(ask("evaluate", "--list", "--format", "json"))["rows"]
    chosen = next(row for row in closures if row["start"] < "2025-11-01")
    files = [tmp_path / name for name in ("one.pdf", "one.csv", "one.geojson")]
    for file in files:
        payload = answer(ask("evaluate", "--closure", chosen["event_id"], "--out", file, "--format", "json"))
    assert payload["places"][0]["name"] == chosen["name"]
    paper = read_paper(files[0].read_bytes())
    assert len(paper.pages) == 1
    assert paper.title == "Did it work?"
    text = paper.words
    assert "DEMONSTRATION" in text
    assert payload["rule_sha256"] in text.replace(" ", "")
    assert files[1].read_text().splitlines()[0].startswith("where,before,after,expected,difference,low,high,")
    roles = [feature["properties"]["role"] for feature in json.loads(files[2].read_text())["features"]]
    assert roles[:2] == ["treated", "ring"]
    assert roles.count("control") == 20


@pytest.mark.slow
def test_closures_whose_past_is_not_on_record_are_left_out_and_named(ask: Run, tmp_path: Path) -> None:
    span = ("--every-closure", "--from", "2024-12-15", "--to", "2024-12-20")
    payload = answer(ask("evaluate", *span, "--out", tmp_path / "all.pdf", "--format", "json"))
    left_out = payload["left_out"]["not_compared"]
    assert left_out
    assert payload["places"]
    assert all(one["start"] >= "2024-12-18" for one in payload["places"])  # 392 days after the records begin
    assert all("; the records reach from 22 Nov 2023 to 21 Nov 2026" in one["reason"] for one in left_out)
    sentence = next(one for one in payload["rule"] if one.startswith("Not compared: "))
    assert all(one["name"] in sentence and one["event_id"] for one in left_out)
    assert sentence.endswith(". The past that places are matched on has to be on record, up to the start.")
    assert sentence in read_paper((tmp_path / "all.pdf").read_bytes()).words


@pytest.mark.slow
def test_wards_with_harm_weights_by_category(ask: Run) -> None:
    payload = answer(
        ask("evaluate", "--ward", "Central", "--start", "2026-03-01", "--layer", "overdoses", "--weight",
            "overdoses/fatal=10", "--format", "json")
    )  # fmt: skip
    assert (
        payload["rule"][1] == "Counted: overdoses (each counts 1), of them fatal (times 10), without what sweeps found."
    )
    assert "Counts are weighted: they are not numbers of events." in payload["details"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Choose one way to name what you evaluate: --closure, --every-closure, --at, --ward, --cell or --plan."),
        (("--ward", "Central"), "A place needs the day on which it began."),
        (
            ("--at", "qqqq", "--start", "2026-03-01"),
            "A place is a street, a postcode or another place in Middlesbrough, or a latitude and longitude.",
        ),
        (
            (*PLACE, "--radius", "5"),
            "The radius is 50 to 5,000 metres.",
        ),
        (("--at", "54.57,-1.23", "--start", "2026-03-01", "--layer", "litter"), "A layer is one of the four."),
        ((*PLACE, "--plan-only"), "A fixed rule is written to a .json file."),
        ((*PLACE, "--radius", "nan"), "The radius is 50 to 5,000 metres."),
        (
            (*PLACE, "--weight", "overdoses=inf"),
            "A weight is a layer, or a layer and a category, and a number above 0.",
        ),
        ((*PLACE, "--reported-by", "martian"), "A reporter is one that Hexbeat knows."),
        ((*PLACE, "--end", "2026-02-01"), "The end comes after the start."),
        (("--at", "51.5,-0.12", "--start", "2026-03-01"), "The place has to lie in Middlesbrough."),
        (("--cell", "zzz", "--start", "2026-03-01"), "A cell is named by its H3 number in hexadecimal digits."),
        ((*PLACE, "--out", "answer.docx"), "An evaluation is a .pdf, .geojson or .csv file in a folder"),
        ((*PLACE, "--rule", "rule.json"), "A fixed rule already says what to evaluate, and from which day."),
        (("--rule", "rule.json", "--radius", "200"), "A fixed rule already says what to evaluate, and from which day."),
        (("--rule", "rule.json", "--radius", "150"), "A fixed rule already says what to evaluate, and from which day."),
        (("--rule", "rule.json", "--plan-only"), "A fixed rule already says what to evaluate, and from which day."),
    ],
)
def test_wrong_questions_are_told(ask: Run, arguments: tuple[str, ...], message: str) -> None:
    outcome = ask("evaluate", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith(message)
    assert outcome.out == ""


@pytest.mark.slow
def test_a_plan_is_judged_from_its_own_day_on(run: Run, tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/London")
    made_at, begins = dt.datetime(2026, 3, 1, 9, tzinfo=zone), dt.datetime(2026, 2, 20, 20, tzinfo=zone)
    home = Path(shutil.copytree(filled_store(), tmp_path / "filled"))
    yard = Place("Yard", -1.235, 54.574)
    points = [(-1.2350, 54.5742), (-1.2352, 54.5743), (-1.2500, 54.5650), (-1.2150, 54.5600)]
    stops = tuple(
        Stop(f"1-0{order}", order, f"place {order}", f"8a{order}", "E05009860", "Central", lon, lat, begins, begins, 10,
             float(order), "busy")
        for order, (lon, lat) in enumerate(points, start=1)
    )  # fmt: skip
    tour = Tour("1", yard, yard, begins, begins, stops, 10.0, 1.0)
    save_plan(documents_in(home), Plan(
        "abcde", PlanKind.PATROL, "middlesbrough", "A patrol", made_at, begins, begins,
        PlanScope(("street_dealing",), (1.0,)), (tour,), PlanWorth(1.0, 2.0, 1.0, 1.0, 0.0), synthetic=True,
    ))  # fmt: skip
    early = run("evaluate", "--plan", "abcde", "--start", "2026-02-20", "--home", home)
    assert early.code == 2
    assert early.err.startswith("A plan is evaluated from its own day or a later day.")
    assert "Plan abcde used records up to 1 Mar 2026" in early.err
    payload = answer(run("evaluate", "--plan", "abcde", "--home", home, "--format", "json"))
    assert {place["start"] for place in payload["places"]} == {"2026-03-01"}
    assert not {"place 1", "place 2"} <= {place["name"] for place in payload["places"]}  # they overlap
    assert "of 4 places taken together" in payload["sentence"]


@pytest.mark.slow
def test_naloxone_answers_without_loaded_places(ask: Run, tmp_path: Path) -> None:
    payload = answer(
        ask("naloxone", "--ward", "Central", "--places", "2", "--out", tmp_path / "n.csv", "--format", "json")
    )
    assert (payload["covered"], payload["holders"], payload["proven"], payload["gap"]) == (0, [], True, 0)
    assert [row["rank"] for row in payload["next"]] == [1, 2]
    assert (tmp_path / "n.csv").read_text().splitlines()[1].startswith("next,")
    ask("naloxone", "--ward", "Central", "--places", "2", "--out", tmp_path / "n.pdf")
    paper = read_paper((tmp_path / "n.pdf").read_bytes())
    assert (paper.title, len(paper.pages)) == ("Naloxone cover: Middlesbrough", 1)
    assert "Overdoses in Central on record. Near is within 400 m." in paper.words
    assert ask("naloxone", "--out", tmp_path / "n.xlsx").err == (
        "Naloxone cover is a .pdf, .csv or .geojson file in a folder that exists.\n"
        f"  --out is 'n.xlsx' in {tmp_path}.\n  Give --out another name or folder.\n"
    )
    assert "To load them: hexbeat places load FILE --kind naloxone" in ask("naloxone", "--places", "0").err

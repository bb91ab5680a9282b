"""hotspots, change, alerts, near-repeats, backtest: the contract of their JSON, their files, and wrong questions."""

import json
from pathlib import Path
from typing import Any, Final

import geopandas
import pandas as pd
import pytest

from hexbeat.analysis.hotspot_groups import GROUP_COLUMNS
from hexbeat.analysis.hotspot_map import build_hotspot_map
from hexbeat.analysis.study import load_study
from layers.filters import Filter
from tests.support.cli import Run, answer, make_empty_store
from tests.support.demonstrations import TODAY, demonstration, middlesbrough

PERIOD: Final = ("--from", "2026-10-25", "--to", "2026-11-22")
NEEDLES: Final = ("hotspots", "--layer", "needle_litter", *PERIOD)
CONTRACT: Final = ["cell", "ward_code", "count", "gi_z", "p_value", "q_value", "hotspot", "trend"]
ANSWERED: list[Any] = []


@pytest.fixture
def needles(ask: Run) -> Any:
    """The hotspots of needles as JSON, asked for once: the tests only read them."""
    if not ANSWERED:
        ANSWERED.append(answer(ask(*NEEDLES, "--format", "json")))
    return ANSWERED[0]


@pytest.mark.slow
def test_hotspots_answer_for_every_cell(needles: Any) -> None:
    columns, _ = demonstration()
    chosen = Filter(layers=("needle_litter",), start=pd.Timestamp(PERIOD[1]).date(), end=TODAY)
    plain = build_hotspot_map(columns, chosen, load_study(middlesbrough()))
    rows = pd.DataFrame(needles["rows"])
    assert set(CONTRACT) < set(rows.columns)
    assert rows["cell"].tolist() == plain.rows["cell"].tolist()
    assert rows["q_value"].to_numpy() == pytest.approx(plain.rows["q_value"].to_numpy())
    assert rows["hotspot"].tolist() == plain.rows["hotspot"].tolist()
    assert rows["trend"].tolist() == plain.rows["trend"].tolist()
    assert needles["total"] == rows["count"].sum() == 221
    assert needles["hot"] == (rows["hotspot"] == "hot").sum() > 0
    assert {name: needles[name] for name in ("layer", "unplaced_in_time", "shared_in_time", "q", "unit", "cold")} == {
        "layer": "needle_litter", "unplaced_in_time": 0, "shared_in_time": 0, "q": 0.05, "unit": 1, "cold": 0,
    }  # fmt: skip
    assert needles["notes"] == list(plain.notes)


@pytest.mark.slow
def test_hotspots_as_a_table_are_the_hot_ones(ask: Run, needles: Any) -> None:
    outcome = ask(*NEEDLES)
    lines = outcome.out.splitlines()
    assert lines[0].endswith(
        "hot and 0 cold of 667 cells; at most 5 % of them false on average. Cells of 350 m, 25 Oct to 21 Nov 2026"
    )
    shown = [line.split()[0] for line in lines[1:] if line.lstrip().startswith("89")]
    rows = {row["cell"]: row for row in needles["rows"]}
    surely = [rows[cell]["times_at_least"] for cell in shown if rows[cell]["count"]]
    assert surely == sorted(surely, reverse=True)
    assert len(set(surely)) > 2
    assert sum(" hot " in line for line in lines[1:]) == int(lines[0].split()[2])
    assert "4 bins from 25 Oct to 21 Nov 2026: weeks." in outcome.err


def test_the_help_of_hotspots_says_why_the_map_may_differ(run: Run) -> None:
    said = " ".join(run("hotspots", "--help").out.split())
    assert (
        "A hotspot holds at least twice as much as its surroundings, steadily, and too much for chance. Those that "
        "surely hold most come first. Without --from all records count. The map of the dashboard begins with 28 days, "
        "and chooses the size of cells: for the same hotspots, give its days and its --resolution."
    ) in said


@pytest.mark.slow
def test_hotspots_by_group_are_led_by_their_busiest_cell(ask: Run, needles: Any) -> None:
    question = (*NEEDLES, "--by", "group")
    payload = answer(ask(*question, "--format", "json"))
    columns, _ = demonstration()
    chosen = Filter(layers=("needle_litter",), start=pd.Timestamp(PERIOD[1]).date(), end=TODAY)
    rows = build_hotspot_map(columns, chosen, load_study(middlesbrough()), trend=False).rows
    assert [list(row) for row in payload["rows"]] == [list(GROUP_COLUMNS)] * 4
    assert [row["group"] for row in payload["rows"]] == [1, 2, 3, 4]
    for row in payload["rows"]:
        cells = rows[rows["group"] == row["group"]]
        assert (row["cells"], row["count"], row["busiest"]) == (len(cells), cells["count"].sum(), cells["count"].max())
        assert rows.loc[rows["cell"] == row["cell"], "count"].tolist() == [row["busiest"]]
    outcome = ask(*question)
    assert all(row["place"].split(",")[0] in outcome.out for row in payload["rows"])
    assert {row["group"] for row in needles["rows"]} == {None, 1, 2, 3, 4}
    assert needles["known_days"] == 28


@pytest.mark.slow
def test_a_hot_cell_without_events_never_leads_the_table(ask: Run) -> None:
    lines = [line.split() for line in ask("hotspots", "--layer", "overdoses").out.splitlines()]
    payload = answer(ask("hotspots", "--layer", "overdoses", "--format", "json"))
    empty = {row["cell"] for row in payload["rows"] if row["hotspot"] == "hot" and not row["count"]}
    shown = [line[0] in empty for line in lines if line and line[0].startswith("89")]
    assert shown == sorted(shown)


@pytest.mark.slow
def test_hotspots_of_a_time_without_records_are_not_known(ask: Run) -> None:
    question = ("hotspots", "--layer", "overdoses", "--from", "2019-01-01", "--to", "2019-02-01")
    assert ask(*question).out == "Overdoses: hotspots are not known\n"
    payload = answer(ask(*question, "--format", "json"))
    assert (payload["total"], payload["known_days"], payload["rows"][0]["count"]) == (None, 0, None)


@pytest.mark.slow
def test_hotspots_take_every_filter(ask: Run) -> None:
    payload = answer(
        ask(
            "hotspots", "--layer", "needle_litter", "--ward", "central", "--ward", "E05009865", "--hours", "6-14",
            "--days", "mon,tue", "--reported-by", "public", "--measure", "quantity", "--resolution", "10",
            "--as-at", "2999-01-01", "--q", "0.1", "--format", "json",
        )
    )  # fmt: skip
    assert {row["ward_code"] for row in payload["rows"]} == {"E05009857", "E05009865"}
    assert payload["unplaced_in_time"] > 0
    assert payload["q"] == 0.1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "geojson", "parquet"])
def test_hotspots_are_written_as_files(ask: Run, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"hot.{ending}"
    payload = answer(ask("hotspots", "--layer", "overdoses", "--out", out, "--format", "json"))
    assert payload["out"] == str(out)
    read = {"csv": pd.read_csv, "geojson": geopandas.read_file, "parquet": geopandas.read_parquet}[ending](out)
    assert set(CONTRACT) < set(read.columns)
    assert read["count"].sum() == payload["total"]
    assert (read["demonstration"] == "synthetic events, not real").all()
    if ending == "geojson":
        assert json.loads(out.read_text())["metadata"]["layer"] == "overdoses"


@pytest.mark.slow
def test_change_by_ward_and_over_all(ask: Run) -> None:
    payload = answer(ask("change", "--layer", "overdoses", *PERIOD, "--format", "json"))
    assert (payload["now"], payload["other"]) == (["2026-10-25", "2026-11-22"], ["2026-09-27", "2026-10-25"])
    assert len(payload["rows"]) == 20
    assert set(payload["rows"][0]) == {
        "ward_code", "ward_name", "now", "before", "difference", "ratio", "ratio_low", "ratio_high", "p_value",
        "q_value", "change",
    }  # fmt: skip
    whole = answer(
        ask("change", "--layer", "overdoses", *PERIOD, "--by", "all", "--against", "year-before", "--format", "json")
    )
    assert whole["other"] == ["2025-10-25", "2025-11-22"]
    assert [row["now"] for row in whole["rows"]] == [sum(row["now"] for row in payload["rows"])]
    free = ask("change", "--layer", "overdoses", *PERIOD, "--against", "2026-09-27:2026-10-25", "--format", "json")
    assert answer(free) == payload
    assert ask("change", "--layer", "overdoses", *PERIOD, "--against", "last spring").code == 2
    cells = answer(ask("change", "--layer", "overdoses", *PERIOD, "--by", "cell", "--format", "json"))
    assert len(cells["rows"]) == 667
    named = [row["place"] for row in cells["rows"] if row["now"] or row["before"]]
    assert all(named)
    assert len(set(named)) == len(named) > 20
    assert {row["place"] for row in cells["rows"] if not row["now"] and not row["before"]} == {""}


@pytest.mark.slow
def test_change_says_what_is_missing(ask: Run) -> None:
    outcome = ask("change", "--layer", "overdoses", "--from", "2023-12-01", "--to", "2024-01-01")
    assert outcome.code == 0
    assert outcome.err == (
        "There is nothing to compare with. The records begin on 22 Nov 2023, and the comparison needs those of 31 Oct "
        "to 30 Nov 2023.\n"
    )
    assert [line.strip() for line in outcome.out.splitlines() if line] == [
        "Overdoses: change of 1 Dec to 31 Dec 2023: not known"
    ]
    payload = answer(
        ask("change", "--layer", "overdoses", "--from", "2023-12-01", "--to", "2024-01-01", "--format", "json")
    )
    assert (payload["verdict"], payload["rows"]) == ("not known", [])
    assert payload["missing"] == outcome.err.removesuffix("\n")


@pytest.mark.slow
def test_alerts_find_the_spike_and_draft_a_form(ask: Run, tmp_path: Path) -> None:
    _, truth = demonstration()
    draft, shapes = tmp_path / "draft.html", tmp_path / "alerts.geojson"
    options = ("alerts", "--day", "2026-11-21", "--days", "28", "--layer", "overdoses", "--draft", draft)
    payload = answer(ask(*options, "--out", shapes, "--format", "json"))
    assert set(payload) == {"day", "days", "alerts", "settings", "notes", "headline", "not_known", "draft", "out"}
    (spike,) = payload["alerts"]
    assert spike.pop("answers") == []
    assert set(spike) == {
        "layer", "ward_code", "place", "first_day", "last_day", "day", "count", "peak", "expected", "methods",
        "false_alarms_a_year", "sentence", "searches", "records_end", "cells", "told_on", "updated_on", "is_open",
        "chance_a_year", "category", "identifier", "arrived", "state", "next_step",
    }  # fmt: skip
    assert spike["ward_code"] in truth["spike"]["ward_codes"]
    assert set(spike["cells"]) <= set(truth["spike"]["cells"])
    assert (spike["first_day"], spike["told_on"]) == (truth["spike"]["from"], "2026-11-02")  # on its second day
    assert spike["sentence"] == (
        "31 overdoses around Patey Court and Dorman Gardens (Linthorpe), 1 Nov to 12 Nov 2026. 1 is usual. Chance "
        "alone brings one like it less than once in 10 years."
    )
    assert set(payload["settings"][0]) == {"layer", "method", "places", "false_alarms_a_year"}
    (feature,) = json.loads(shapes.read_text(encoding="utf-8"))["features"]
    assert (feature["properties"], feature["geometry"]["type"]) == (spike, "Polygon")
    assert "DRAFT, not sent" in draft.read_text(encoding="utf-8")
    document = draft.with_suffix(".pdf")
    assert "31 overdoses around Patey Court" in ask(*options[:-1], document).out
    assert document.read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alerts.geojson", "draft.html", "draft.pdf"]


@pytest.mark.parametrize(
    ("method", "found"), [("ears", "22 overdoses in Linthorpe from 1 Nov to 5 Nov 2026"), ("farrington", "not known")]
)
def test_an_analyst_has_a_second_look(ask: Run, method: str, found: str) -> None:
    options = ("alerts", "--day", "2026-11-21", "--days", "28", "--layer", "overdoses", "--method", method)
    assert found in ask(*options).out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), [("forms", "Forms"), ("forms.html", "forms.html")])
@pytest.mark.parametrize("day", ["2026-11-21", "2026-09-09"], ids=["alerts", "calm"])
def test_a_draft_that_names_a_folder_is_refused_at_once(
    ask: Run, tmp_path: Path, name: str, said: str, day: str
) -> None:
    (tmp_path / name).mkdir()
    shapes = tmp_path / "alerts.geojson"
    outcome = ask("alerts", "--day", day, "--layer", "overdoses", "--draft", tmp_path / name, "--out", shapes)
    assert outcome.code == 3
    assert outcome.err == (
        "A file needs a folder that exists and that you can write to.\n"
        f"  {said} cannot be written (it is a folder).\n"
        "  Choose another name or folder.\n"
    )
    assert [path.name for path in tmp_path.rglob("*")] == [name]


def test_no_form_is_drafted_where_the_alerts_cannot_be_written(ask: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.html"
    outcome = ask("alerts", "--day", "2026-11-21", "--draft", draft, "--out", tmp_path / "none" / "alerts.geojson")
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "The folder of the file has to exist.")
    assert not draft.exists()


def test_a_calm_day_ends_with_nought_and_drafts_nothing(ask: Run, tmp_path: Path) -> None:
    draft = tmp_path / "draft.html"
    outcome = ask("alerts", "--day", "2026-09-09", "--layer", "overdoses", "--draft", draft)
    assert (outcome.code, outcome.out) == (0, "Alerts on 9 Sep 2026: none\n")
    assert outcome.err.splitlines()[0] == "There is no alert of overdoses, so no form was drafted."
    assert not draft.exists()


@pytest.mark.slow
def test_near_repeats_are_told(ask: Run) -> None:
    payload = answer(ask("near-repeats", "--layer", "needle_litter", "--from", "2026-08-24", "--format", "json"))
    assert (payload["raised_m"], payload["raised_days"], payload["shuffles"]) == (100, 7, 999)
    assert set(payload["rows"][0]) == {
        "from_m", "to_m", "from_days", "to_days", "observed", "expected", "ratio", "p_value", "q_value", "raised",
    }  # fmt: skip
    assert payload["sentence"].startswith("After a needle find, another within 100 m in the first 2 days is ")
    assert (payload["merged"], payload["searches"]) == (0, False)
    assert min(row["p_value"] for row in payload["rows"]) == 0.001  # exact in JSON


@pytest.mark.slow
def test_backtest_names_a_winner_for_each_layer(ask: Run) -> None:
    payload = answer(ask("backtest", "--weeks", "4", "--resolution", "9", "--format", "json"))
    assert [one["layer"] for one in payload["layers"]] == ["needle_litter", "street_dealing", "overdoses"]
    assert set(payload["layers"][0]) == {
        "layer", "from", "to", "weeks", "events", "unknown_day", "swept", "winner", "dashboard_uses", "notes",
        "location_precision", "points", "finest_resolution", "shares_of", "weeks_left_out", "searches",
    }  # fmt: skip
    assert set(payload["layers"][0]["winner"]) == {"method", "resolution", "hit_rate", "rivals", "clear", "sentence"}
    assert len(payload["rows"]) == 3 * 4 * 3
    assert {(row["method"], row["RRI"] is None) for row in payload["rows"]} == {
        ("last_period", False), ("gi_star", True), ("kernel", False), ("all_history", False),
    }  # fmt: skip
    one = ask("backtest", "--weeks", "4", "--resolution", "9", "--layer", "overdoses")
    assert "Overdoses. The " in one.err
    assert (
        "For expected events the dashboard uses the counts of all weeks before, with cells 50 m across. That choice "
        "rests on the whole area and 13 weeks.\nIts hotspots: cells are 350 m across: hotspots of this "
        "size forecast the next week as well as any"
    ) in one.err
    assert "all_history" in one.out


ONE_LAYER: Final = "Choose one of needle_litter, street_dealing, overdoses"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("hotspots",),
            (
                "A hotspot map shows one layer, because different things cannot be added up.\n"
                "  You chose none.\n"
                f"  {ONE_LAYER}, closed_properties.\n"
            ),
        ),
        (
            ("hotspots", "--layer", "overdoses", "--layer", "needle_litter"),
            (
                "A hotspot map shows one layer, because different things cannot be added up.\n"
                "  You chose overdoses and needle_litter.\n"
                f"  {ONE_LAYER}, closed_properties.\n"
            ),
        ),
        (
            ("hotspots", "--layer", "overdoses", "--q", "1"),
            "A false discovery rate lies between 0 and 1.\n  --q is 1.\n  Choose for example --q 0.05.\n",
        ),
        (
            ("backtest", "--layer", "closed_properties"),
            (
                "A back-test needs incidents, which happen on a day.\n"
                "  Closed properties are in force for months.\n"
                f"  {ONE_LAYER}.\n"
            ),
        ),
        (
            ("alerts", "--day", "2026-10-28", "--days", "14", "--draft", "form.docx"),
            ("The form is drafted as an .html or .pdf file.\n"
            "  'form.docx' is neither.\n  Give --draft such an ending.\n"),
        ),
        (
            ("alerts", "--out", "alerts.csv"),
            "Alerts are written as a .geojson file.\n  'alerts.csv' is none.\n  Give --out such an ending.\n",
        ),
        (
            ("alerts", "--a-year", "0"),
            ("Chance alone may raise more than 0 and at most 50 alerts a year.\n  --a-year is 0.\n"
            "  Leave it out for 2.\n"),
        ),
    ],
)  # fmt: skip
def test_wrong_questions_are_explained(ask: Run, options: tuple[str, ...], message: str) -> None:
    outcome = ask(*options)
    assert outcome.code == 2
    assert outcome.err == message


def test_an_empty_store_answers_too(run: Run, tmp_path: Path) -> None:
    make_empty_store(tmp_path / "home")
    assert answer(run("hotspots", "--layer", "overdoses", "--format", "json"))["total"] is None  # not known, and not 0
    assert answer(run("alerts", "--format", "json"))["alerts"] == []
    assert answer(run("backtest", "--format", "json")) == {"layers": [], "rows": []}
    assert (
        answer(run("change", "--layer", "overdoses", "--format", "json"))["missing"] == "No overdoses have been loaded."
    )

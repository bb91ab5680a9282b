"""counts, change and evaluate in pounds: what an installation's costs.toml adds to their answers and files."""

from pathlib import Path

import pandas as pd
import pytest

from tests.support.cli import Run, answer
from tests.support.demonstrations import copy_filled_store
from tests.support.papers import read_paper

COSTS = """
[[costs]]
layer = "overdoses"
pounds = 300
source = "a publication"
year = 2018
leaves_out = "hospital"

[[costs]]
layer = "overdoses"
category = "fatal"
pounds = 2000
source = "another"
year = 2020
leaves_out = "the life"

[[costs]]
layer = "needle_litter"
pounds = 40
source = "a bill"
year = 2025
leaves_out = "fear"
"""
NOTES = [
    "Overdoses: £300 each, in prices of 2018 (a publication). Leaves out: hospital.",
    "Overdoses, fatal: £2,000 each, in prices of 2020 (another). Leaves out: the life.",
]
CAUTION = "The interval is that of the number of events. The unit costs themselves are taken as exact."
NOT_TOLD = {"pounds": None, "low": None, "high": None, "events_not_costed": None}
WHY_NOT = "Nothing is costed: small numbers of overdoses are not shown to your role, and pounds would tell them."
PERIOD = ("--from", "2026-08-01", "--to", "2026-11-01")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_filled_store(tmp_path_factory.mktemp("costed") / "home")
    (folder / "costs.toml").write_text(COSTS, encoding="utf-8")
    return folder


@pytest.fixture
def ask(run: Run, home: Path) -> Run:
    return lambda *arguments: run(*arguments, "--home", home)


def count_strata(ask: Run, *arguments: str) -> dict[str, float]:
    rows = answer(ask("counts", "--layer", "overdoses", "--by", "category", *arguments, "--format", "json"))["rows"]
    return {row["category"]: row["count"] for row in rows}


@pytest.mark.slow
def test_counts_are_in_pounds_too_with_their_interval_and_sources(ask: Run, tmp_path: Path) -> None:
    question = ("counts", "--by", "ward", "--layer", "overdoses", *PERIOD)
    payload = answer(ask(*question, "--format", "json"))
    strata = count_strata(ask, *PERIOD)
    fatal = strata.pop("fatal")
    total = payload["costs"]["total"]
    assert total["pounds"] == 2000 * fatal + 300 * sum(strata.values())
    assert total["low"] < total["pounds"] < total["high"]
    assert total["pounds"] == sum(row["cost"]["pounds"] for row in payload["rows"])
    assert payload["costs"]["sentences"][1:] == [*NOTES, CAUTION]
    table = ask(*question)
    assert f"In pounds: £{total['pounds'] / 100:,.0f}"[:14] in table.err
    out = tmp_path / "wards.csv"
    assert ask(*question, "--out", out).code == 0
    file = pd.read_csv(out)
    assert file["cost_pounds"].sum() == total["pounds"]
    assert (file["cost_low"] <= file["cost_pounds"]).all()
    assert (file["cost_pounds"] <= file["cost_high"]).all()
    assert set(file["cost_note"]) == {" ".join([*NOTES, CAUTION])}


@pytest.mark.slow
def test_a_layer_without_a_cost_is_not_costed(ask: Run) -> None:
    payload = answer(ask("counts", "--by", "layer", *PERIOD, "--format", "json"))
    rows = {row["layer"]: row for row in payload["rows"]}
    assert rows["street_dealing"]["cost"] == {
        "pounds": None,
        "low": None,
        "high": None,
        "events_not_costed": rows["street_dealing"]["count"],
    }
    assert rows["needle_litter"]["cost"]["pounds"] == pytest.approx(40 * rows["needle_litter"]["count"], abs=1)
    assert "Not costed: reports of street dealing and closed properties." in payload["costs"]["sentences"]
    alone = ask("counts", "--by", "layer", "--layer", "street_dealing", *PERIOD)
    assert "In pounds: not costed." in alone.err.splitlines()


@pytest.mark.slow
def test_a_change_is_in_pounds_too(ask: Run) -> None:
    payload = answer(ask("change", "--by", "all", "--layer", "overdoses", *PERIOD, "--format", "json"))
    before = count_strata(ask, "--from", payload["other"][0], "--to", payload["other"][1])
    now = count_strata(ask, *PERIOD)
    (row,) = payload["rows"]
    scale = payload["known_days"]["now"] / payload["known_days"]["other"]
    prices = {name: 2000 if name == "fatal" else 300 for name in {*now, *before}}
    expected = sum(price * (now.get(name, 0) - scale * before.get(name, 0)) for name, price in prices.items())
    cost = row["cost_of_difference"]
    assert cost["pounds"] == pytest.approx(expected, abs=1)
    assert cost["low"] < cost["pounds"] < cost["high"]
    assert payload["notes"][-3:] == [*NOTES, CAUTION]
    by_ward = answer(ask("change", "--layer", "overdoses", *PERIOD, "--format", "json"))["rows"]
    assert sum(ward["cost_of_difference"]["pounds"] for ward in by_ward) == pytest.approx(expected, abs=len(by_ward))
    assert all(
        "cost_of_difference" not in ward
        for ward in answer(ask("change", "--layer", "closed_properties", *PERIOD, "--format", "json"))["rows"]
    )


@pytest.mark.slow
def test_did_it_work_is_in_pounds_too(ask: Run, tmp_path: Path) -> None:
    question = ("evaluate", "--at", "54.5742,-1.2350", "--start", "2026-03-01", "--layer", "needle_litter")
    payload = answer(ask(*question, "--out", tmp_path / "one.pdf", "--format", "json"))
    for row, money in zip(payload["rows"], payload["costs"]["rows"], strict=True):
        assert money["where"] == row["where"]
        for name, count in (("pounds", "difference"), ("low", "low"), ("high", "high")):
            assert money[name] == pytest.approx(40 * row[count], abs=1)
    sentence = payload["costs"]["sentences"][0]
    assert sentence.startswith("In pounds, here: £")
    assert "95 % interval" in sentence
    page = " ".join(" ".join(read_paper((tmp_path / "one.pdf").read_bytes()).pages).split())
    assert " ".join(sentence.split()) in page


@pytest.mark.slow
def test_what_a_role_may_not_count_it_may_not_cost(ask: Run, home: Path) -> None:
    policy = home / "policy.toml"
    policy.write_text(
        '[roles.police.layers]\nneedle_litter = "nothing"\noverdoses = { detail = "wards", fewest = 3 }\n',
        encoding="utf-8",
    )
    try:
        payload = answer(ask("counts", "--by", "layer", *PERIOD, "--role", "police", "--format", "json"))
        refused = ask("counts", "--by", "layer", "--layer", "needle_litter", "--role", "police")
    finally:
        policy.unlink()
    assert payload["costs"] == {"total": NOT_TOLD, "sentences": ["In pounds: not costed.", WHY_NOT]}
    assert (refused.code, refused.out) == (4, "")
    assert refused.err.splitlines()[1] == "  Your role sees nothing of needle_litter."


@pytest.mark.slow
def test_pounds_of_one_layer_do_not_tell_the_hidden_numbers_of_another(ask: Run, home: Path, tmp_path: Path) -> None:
    """Counts are of both layers: less the needles, which their pounds would say, they are the overdoses."""
    policy, out = home / "policy.toml", tmp_path / "both.csv"
    policy.write_text('[roles.council.layers]\noverdoses = { detail = "cells 9", fewest = 5 }\n', encoding="utf-8")
    both = ("counts", "--layer", "needle_litter", "--layer", "overdoses", "--by", "ward,month", *PERIOD)
    try:
        payload = answer(ask(*both, "--role", "council", "--format", "json"))
        written = ask(*both, "--role", "council", "--out", out)
        alone = answer(ask("counts", "--layer", "needle_litter", *PERIOD, "--role", "council", "--format", "json"))
    finally:
        policy.unlink()
    assert payload["rows"]
    assert [row["cost"] for row in payload["rows"]] == [NOT_TOLD] * len(payload["rows"])
    assert payload["costs"] == {"total": NOT_TOLD, "sentences": ["In pounds: not costed.", WHY_NOT]}
    assert written.code == 0, written.err
    file = pd.read_csv(out)
    assert file[["cost_pounds", "cost_low", "cost_high", "not_costed"]].isna().all(axis=None)
    assert set(file["cost_note"]) == {WHY_NOT}
    assert alone["costs"]["total"]["pounds"] == 40 * alone["total"]


FAULT = [
    "costs.toml holds [[costs]] with layer, pounds, source, year and leaves_out, and maybe category.",
    "Number 1: pounds is not a number from 0.01 to 100,000,000.",
    "See docs/costs.md, or remove the file: without it nothing is costed.",
]


@pytest.mark.slow
def test_a_file_that_cannot_be_used_is_said_and_numbers_are_answered_without_pounds(ask: Run, home: Path) -> None:
    (home / "costs.toml").write_text(COSTS.replace("pounds = 300", "pounds = 1e308"), encoding="utf-8")
    place = ("--at", "54.5742,-1.2350", "--start", "2026-03-01", "--layer", "needle_litter")
    try:
        counts = ask("counts", "--by", "layer", *PERIOD, "--format", "json")
        change = ask("change", "--by", "all", "--layer", "overdoses", *PERIOD, "--format", "json")
        outcome = ask("evaluate", *place, "--format", "json")
    finally:
        (home / "costs.toml").write_text(COSTS, encoding="utf-8")
    assert (counts.json["total"] > 0, "costs" in counts.json, counts.err.splitlines()[-3:]) == (True, False, FAULT)
    assert "cost_of_difference" not in answer(change)["rows"][0]
    assert change.json["notes"][-3:] == FAULT
    assert "costs" not in answer(outcome)
    assert [line for line in outcome.err.splitlines() if line in FAULT] == FAULT

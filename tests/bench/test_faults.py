"""A change that is killed, or that finds the disk full, is found as before or as after; a state between is noticed."""

from pathlib import Path

import pytest

from bench.fault_states import State, judge
from bench.faults import Trial, can_mount, measure_deed
from tests.support.fault_stores import make_data, make_home


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["kill", "full disk"])
def test_an_erasure_is_whole_or_has_not_begun(tmp_path: Path, fault: str) -> None:
    if fault == "full disk" and not can_mount():
        pytest.skip("this user may not mount a small disk")
    make_home(tmp_path / "whole", "small", None)
    trial = Trial(tmp_path, tmp_path / "whole", make_data(tmp_path / "data"))
    figures = measure_deed("erase", trial, fault=fault, runs=4)
    assert (figures["before"] + figures["after"], figures["between"], figures["tracebacks"]) == (4, 0, 0)


def test_what_is_neither_before_nor_after_is_between() -> None:
    before, after = State("old", 1), State("new", 2)
    states = [before, after, State("new", 1), State("half"), State("new", 2, "entry 2 was changed")]
    assert [judge(state, before, after) for state in states] == ["before", "after", "after", "between", "between"]
    assert judge(State("old", 2), before, State("old", 2), is_entry=True) == "after"
    assert judge(State("old", 3), before, State("old", 2), is_entry=True) == "between"

from pathlib import Path

import pytest

from bench.load import Session
from hexbeat.dashboard.screen import describe_run, find_installation
from hexbeat.dashboard.state.session import open_installation
from hexbeat.policy import ROLE_VARIABLE
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import end_sign_ins
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support import servers
from tests.support.events import filled
from tests.support.threads import run_steps


def test_who_may_not_open_the_page_has_no_part_of_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home, "middlesbrough", None)
    before = find_installation(settings, "map")
    assert before is not None
    assert describe_run(before) == describe_run(open_installation(settings))
    monkeypatch.setenv(ROLE_VARIABLE, "council")
    now = find_installation(settings, "map")
    assert now is not None
    assert describe_run(now) != describe_run(before)
    (home / "policy.toml").write_text("nonsense", encoding="utf-8")
    assert find_installation(settings, "map") is None
    assert find_installation(settings, "no such page") is None


@pytest.mark.slow
def test_a_filter_draws_its_part_until_the_sign_in_ends(home: Path) -> None:
    filled(home)
    with servers.hexbeat_server(environment={"HEXBEAT_HOME": str(home)}) as address:
        run_steps(change_and_sign_out(address, home))


async def change_and_sign_out(address: str, home: Path) -> None:
    async with Session(address, "Weekdays") as session:
        await session.run()
        assert session.fragment
        await session.change(1)
        assert "<h1>" not in session.shown
        assert 'class="hb-sentence"' in session.shown
        with Store.open(home) as store:
            end_sign_ins(store, ANALYST)
        await session.change(2)
        assert "you are signed out, or your sign-in has ended" in session.shown.lower()
        assert 'class="hb-sentence"' not in session.shown

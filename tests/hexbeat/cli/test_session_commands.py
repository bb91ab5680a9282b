"""sessions list, end."""

import time
from pathlib import Path

from hexbeat.store.sign_ins import PROVIDER, SignIn, begin_sign_in
from hexbeat.store.store import Store
from tests.support.cli import Run, make_empty_store


def test_people_are_listed_and_signed_out(run: Run, tmp_path: Path) -> None:
    make_empty_store(tmp_path / "home")
    assert run("sessions", "list").out == "Signed in: nobody\n"
    now = int(time.time())
    with Store.open(tmp_path / "home") as store:
        for subject in ("id-1", "id-2"):
            begin_sign_in(store, SignIn(subject, "a@example.org", PROVIDER, ("g",), now, now + 3_600))
    rows = run("sessions", "list", "--format", "json").json["sessions"]
    assert [(row["subject"], row["name"], row["method"]) for row in rows] == [
        ("id-1", "a@example.org", "provider"),
        ("id-2", "a@example.org", "provider"),
    ]
    assert run("sessions", "end", "id-1").err == "1 sign-in has ended.\n"
    assert run("sessions", "end", "--all", "--format", "json").json == {"ended": 1}


def test_one_person_or_all_and_never_by_mistake(run: Run) -> None:
    for options, fact in (
        ((), "Neither a subject nor --all is given"),
        (("id-1", "--all"), "A subject and --all are both given"),
    ):
        outcome = run("sessions", "end", *options)
        assert outcome.code == 2
        assert outcome.err == f"Either one person or everybody is signed out.\n  {fact}.\n  Give one of them.\n"

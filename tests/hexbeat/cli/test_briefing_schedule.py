"""briefing --every: what a timer makes, once a day, into a folder or by mail."""

import datetime as dt
import fcntl
from pathlib import Path
from typing import Any

import pytest

from hexbeat.areas.area import load_area
from hexbeat.store.store import Store
from tests.support.cli import Run, answer
from tests.support.events import load_frame, made_frame
from tests.support.mail_server import Mailbox, mail_server
from tests.support.papers import read_paper

MONDAY, SUNDAY = "2026-11-23", "2026-11-22"
NAME = f"briefing-meeting-{MONDAY}.pdf"
NOTE = (
    "By mail there are only numbers for the whole area and alerts by ward. Places, closures, work and records stay in "
    "Hexbeat."
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three weeks, too few for a back-test; tests write their own policy.toml into it."""
    folder = tmp_path_factory.mktemp("young")
    area = load_area("middlesbrough")
    with Store.open(folder) as store:
        frame = made_frame(area, number=200, newest=dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC), days=20)
        load_frame(store, area, frame, source="table", now=dt.datetime(2026, 11, 22, 13, tzinfo=dt.UTC))
    return folder


@pytest.fixture
def ask(run: Run, home: Path) -> Run:
    """`hexbeat briefing --every ...` on a Monday, in JSON."""
    (home / "policy.toml").unlink(missing_ok=True)

    def command(*arguments: object) -> object:
        return run("briefing", "--home", home, "--day", MONDAY, "--format", "json", *arguments)

    return command  # type: ignore[return-value]


def write_policy(home: Path, port: int, addresses: str, rest: str = "") -> None:
    (home / "policy.toml").write_text(
        f'[mail]\nserver = "127.0.0.1"\nport = {port}\nsender = "hexbeat@example.org"\n'
        f"[mail.addresses]\n{addresses}\n{rest}",
        encoding="utf-8",
    )


@pytest.mark.slow
def test_a_day_is_made_once_and_nothing_else_is_touched(ask: Run, tmp_path: Path) -> None:
    others = ("briefing-meeting-2026-11-20.pdf", "briefing-meeting-2026-11-16.pdf", "briefing-meeting-2026-11-15.pdf")
    for name in (*others, "briefing-shift-2026-01-01.pdf", "briefing-meeting-2026-13-01.pdf", "minutes.pdf"):
        (tmp_path / name).write_bytes(b"as it was")
    first = answer(ask("--every", "weekday", "--folder", tmp_path, "--keep", "7"))
    page = (tmp_path / NAME).read_bytes()
    again = answer(ask("--every", "weekday", "--folder", tmp_path))
    assert first == {"due": True, "day": MONDAY, "file": str(tmp_path / NAME), "written": True, "removed": 1}
    assert again == first | {"written": False, "removed": 0}
    assert (tmp_path / NAME).read_bytes() == page
    assert len(read_paper(page).pages) == 1
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {
        NAME,
        *others[:2],
        "briefing-shift-2026-01-01.pdf",
        "briefing-meeting-2026-13-01.pdf",
        "minutes.pdf",
    }
    assert (tmp_path / others[0]).read_bytes() == b"as it was"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (SUNDAY, "22 Nov 2026 is a Sunday"),
        ("2026-12-28", "28 Dec 2026 is a bank holiday (Boxing Day)"),
    ],
)
def test_on_other_days_it_does_nothing_and_says_why(
    run: Run, home: Path, tmp_path: Path, day: str, reason: str
) -> None:
    done = run("briefing", "--every", "weekday", "--folder", tmp_path, "--day", day, "--home", home)
    assert (done.code, done.out, done.err) == (0, "", f"There is no briefing today: {reason}.\n")
    assert list(tmp_path.iterdir()) == []
    made = run("briefing", "--every", "day", "--folder", tmp_path, "--day", SUNDAY, "--home", home)
    assert (made.code, made.err) == (0, f"Written: {tmp_path}/briefing-meeting-{SUNDAY}.pdf\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--mail",),
            (
                "--folder, --keep and --mail belong to a scheduled briefing.\n  --every was not given.\n"
                "  Add --every weekday or --every day, or use --out.\n"
            ),
        ),
        (
            ("--every", "day"),
            (
                "A scheduled briefing goes into a folder, or by mail.\n  Neither was asked for.\n"
                "  Give --folder DIR, --mail, or both.\n"
            ),
        ),
        (
            ("--every", "day", "--mail", "--out", "a.pdf"),
            (
                "A scheduled briefing is for partners, and its file is named by the day.\n  --out was given.\n"
                "  Give --folder instead.\n"
            ),
        ),
        (
            ("--every", "day", "--mail", "--for", "councillor"),
            (
                "A scheduled briefing is for partners, and its file is named by the day.\n"
                "  It was asked for a councillor.\n  Leave out --for councillor.\n"
            ),
        ),
        (
            ("--every", "day", "--mail", "--keep", "3"),
            "--keep removes old briefings of a folder.\n  No folder was given.\n  Give --folder DIR.\n",
        ),
        (
            ("--every", "day", "--folder", "nowhere"),
            (
                "The folder of the briefings has to exist.\n  The one of --folder does not.\n"
                "  Make it first, with a mode that lets only its readers in.\n"
            ),
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(ask: Run, arguments: tuple[str, ...], message: str) -> None:
    done = ask(*arguments)
    assert (done.code, done.out, done.err) == (2, "", message)


@pytest.mark.slow
def test_each_address_gets_what_its_role_may_have_by_mail_once(ask: Run, home: Path) -> None:
    with mail_server() as mailbox:
        write_policy(home, mailbox.port, '"duty@example.org" = "police"\n"lead@example.org" = "analyst"')
        first = answer(ask("--every", "weekday", "--mail"))
        again = answer(ask("--every", "weekday", "--mail"))
    assert (first, again) == (
        {"due": True, "day": MONDAY, "sent": 2, "had_it": 0},
        {"due": True, "day": MONDAY, "sent": 0, "had_it": 2},
    )
    assert [recipients for recipients, _ in mailbox.messages] == [["duty@example.org"], ["lead@example.org"]]
    for number in (0, 1):
        text, page = read_message(mailbox, number)
        assert text.splitlines()[0] == "Middlesbrough: threat, risk and harm"
        assert NOTE in text
        assert NOTE in page
        assert "in force since" not in page
        assert "Closed properties" not in page
        assert "No place is certain" not in page
        assert page.count("Left out of this page.") == 5  # places, closures that end and new ones, work, freshness
        assert not [said for said in ("No visit was recorded", "Nothing is loaded", "None recorded") if said in page]
    marks = (home / "briefings-sent").iterdir()
    assert all("example.org" not in path.read_text(encoding="ascii") for path in marks)


@pytest.mark.slow
def test_who_sends_holds_the_marks_alone_so_that_another_run_waits(ask: Run, home: Path) -> None:
    held = []
    with mail_server() as mailbox:
        take = mailbox.handle_DATA

        async def look(*arguments: Any) -> str:
            with next((home / "briefings-sent").glob("*-2026-11-24.sent")).open("a") as marks:
                try:
                    fcntl.flock(marks, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held.append(True)
            return await take(*arguments)

        mailbox.handle_DATA = look  # type: ignore[method-assign]
        write_policy(home, mailbox.port, '"p@example.org" = "police"\n"P@example.org" = "police"')
        sent = answer(ask("--every", "weekday", "--mail", "--day", "2026-11-24"))
    assert (held, sent["sent"], len(mailbox.messages)) == ([True], 1, 1)


@pytest.mark.slow
@pytest.mark.postgres
def test_two_servers_with_homes_of_their_own_send_a_page_once(
    ask: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes, free = [tmp_path / "one", tmp_path / "other"], []
    homes[0].mkdir()
    with mail_server() as mailbox, Store.open(tmp_path / "third", database_url=database_url) as store:
        take = mailbox.handle_DATA

        async def look(*arguments: Any) -> str:
            key = "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            with store.engine.connect() as connection:
                free.append(len(connection.exec_driver_sql(key).all()))
            return await take(*arguments)

        mailbox.handle_DATA = look  # type: ignore[method-assign]
        write_policy(homes[0], mailbox.port, '"duty@example.org" = "police"')
        monkeypatch.setenv("HEXBEAT_DATABASE_URL", database_url)
        answers = [answer(ask("--every", "weekday", "--mail", "--home", home)) for home in homes]
    assert [(it["sent"], it["had_it"]) for it in answers] == [(1, 0), (0, 1)]
    assert (free, len(mailbox.messages)) == ([1], 1)


def read_message(mailbox: Mailbox, number: int) -> tuple[str, str]:
    """The text, and the text of the page, of a message whose subject is the day and nothing else."""
    message = mailbox.messages[number][1]
    body, (attachment,) = message.get_body(), list(message.iter_attachments())
    assert body is not None
    assert message["Subject"] == "Hexbeat briefing, 23 Nov 2026"
    assert attachment.get_filename() == NAME
    pages = read_paper(attachment.get_content()).pages
    return body.get_content(), " ".join(" ".join(pages).split())


@pytest.mark.slow
def test_an_address_that_fails_is_tried_again_and_no_other(ask: Run, home: Path) -> None:
    with mail_server() as mailbox:
        write_policy(home, mailbox.port, '"one@example.org" = "council"\n"nobody@example.org" = "council"')
        failed = ask("--every", "weekday", "--mail", "--for", "shift")
        write_policy(home, mailbox.port, '"one@example.org" = "council"\n"two@example.org" = "council"')
        mended = answer(ask("--every", "weekday", "--mail", "--for", "shift"))
    assert (failed.code, failed.err.splitlines()) == (
        3,
        [
            "A briefing is sent by the mail server that policy.toml names.",
            "  It does not take one of the addresses.",
            "  Look at [mail.addresses] in policy.toml.",
        ],
    )
    assert (mended["sent"], mended["had_it"]) == (1, 1)
    assert [recipients for recipients, _ in mailbox.messages] == [["one@example.org"], ["two@example.org"]]


@pytest.mark.parametrize(
    ("address", "rest", "code", "message"),
    [
        (
            '"a@example.org" = "health"',
            "",
            4,
            (
                "The access policy decides who may do what.\n  It does not let health make the document briefing.\n"
                "  Ask the analyst of the partnership.\n"
            ),
        ),
        (
            '"a@example.org" = "police"',
            (
                '[roles.police.layers]\nneedle_litter = "nothing"\nstreet_dealing = { detail = "wards", fewest = 3 }\n'
                'overdoses = "nothing"\n'
            ),
            4,
            (
                "The access policy decides who may do what.\n"
                "  It does not let police see anything that may be sent by mail.\n"
                "  Ask the analyst of the partnership.\n"
            ),
        ),
        (
            '"a@example.org" = "analyst"',
            '[local]\n"*" = "police"\n',
            4,
            (
                "You can see as a role that may do nothing that yours may not.\n  Analyst may do more than police.\n"
                "  Choose another role, or ask the analyst of the partnership.\n"
            ),
        ),
    ],
)
def test_what_the_policy_refuses_is_neither_sent_nor_written(
    ask: Run, home: Path, tmp_path: Path, *, address: str, rest: str, code: int, message: str
) -> None:
    with mail_server() as mailbox:
        write_policy(home, mailbox.port, address, rest)
        done = ask("--every", "weekday", "--mail", "--folder", tmp_path)
    assert (done.code, done.out, done.err) == (code, "", message)
    assert (mailbox.messages, list(tmp_path.glob("*.pdf"))) == ([], [])


def test_without_settings_of_mail_nothing_is_made(ask: Run) -> None:
    done = ask("--every", "weekday", "--mail")
    assert (done.code, done.err) == (
        3,
        (
            "A briefing is sent by the mail server that policy.toml names.\n  policy.toml has no [mail].\n"
            "  See 'A briefing every morning' in docs/running.md, or use --folder alone.\n"
        ),
    )

"""The briefing of a day, for a timer: made once, on the days that it is for, into a folder or by mail."""

import datetime as dt
import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from geo.errors import DataError, UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_answer
from hexbeat.cli.installation import Format, Installation
from hexbeat.documents.briefing_document import format_headline, render_briefing_pdf
from hexbeat.files import atomic_write
from hexbeat.mail import MailSettings, build_message, list_roles, read_password, send_message
from hexbeat.operations.alert_answers import read_answers
from hexbeat.policy import POLICY_FILE, choose_lesser_role, read_policy
from hexbeat.reports.briefing import Briefing
from hexbeat.reports.working_days import find_bank_holiday
from hexbeat.store.database_errors import translate_errors
from hexbeat.store.document_kinds import DocumentKind
from layers.access import limit_to_mail, require_document
from layers.roles import Role
from layers.wording import format_date, format_plural

if sys.platform != "win32":
    import fcntl

__all__ = ["Every", "Schedule", "require_schedule", "run_schedule"]

_DAY: Final = dt.timedelta(days=1)
_SATURDAY: Final = 5
_MARKS_FOLDER: Final = "briefings-sent"  # in the home: a file a briefing, with a hash of each address that has it
_MARKS_DAYS: Final = 31
_MAIL_NOTE: Final = (
    "By mail there are only numbers for the whole area and alerts by ward. Places, closures, work and records stay in "
    "Hexbeat."
)


class Every(StrEnum):
    """The days that a scheduled briefing is for."""

    DAY = "day"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What one call does: for which days, into which folder, how many days of it are kept (None: all), by mail or not.

    `stem` is the name of the files without the day, as in "briefing-shift-22-06".
    """

    every: Every
    stem: str
    folder: Path | None = None
    keep_days: int | None = None
    mail: bool = False

    def name_file(self, today: dt.date) -> str:
        """The name of the day's file."""
        return f"{self.stem}-{today.isoformat()}.pdf"


def require_schedule(
    every: Every | None, *, folder: Path | None, keep_days: int | None, mail: bool, out: Path | None, councillor: bool
) -> None:
    """UsageError for options that do not go together; call it before anything is opened."""
    if every is None:
        if folder is not None or keep_days is not None or mail:
            raise UsageError(
                "--folder, --keep and --mail belong to a scheduled briefing",
                "--every was not given",
                "add --every weekday or --every day, or use --out",
            )
        return
    if councillor or out is not None:
        raise UsageError(
            "A scheduled briefing is for partners, and its file is named by the day",
            "it was asked for a councillor" if councillor else "--out was given",
            "leave out --for councillor" if councillor else "give --folder instead",
        )
    if folder is None and not mail:
        raise UsageError(
            "A scheduled briefing goes into a folder, or by mail",
            "neither was asked for",
            "give --folder DIR, --mail, or both",
        )
    if keep_days is not None and folder is None:
        raise UsageError("--keep removes old briefings of a folder", "no folder was given", "give --folder DIR")
    if folder is not None and not folder.is_dir():
        raise UsageError(
            "The folder of the briefings has to exist",
            "the one of --folder does not",
            "make it first, with a mode that lets only its readers in",
        )


def describe_free_day(every: Every, today: dt.date) -> str | None:
    """Why there is no briefing on this day; None if there is one."""
    if every is Every.DAY:
        return None
    if today.weekday() >= _SATURDAY:
        return f"{format_date(today)} is a {today:%A}"
    holiday = find_bank_holiday(today)
    return f"{format_date(today)} is a bank holiday ({holiday})" if holiday else None


def run_schedule(
    installation: Installation,
    schedule: Schedule,
    build: Callable[[Installation], Briefing],
    *,
    now: dt.datetime,
    today: dt.date,
    form: Format,
) -> None:
    """Make the briefing of today once: what is in the folder or was sent already is left as it is.

    `build` makes the facts for a viewer. Everything that the policy decides is asked before a file is written or a
    message is sent. DataError if the folder cannot be written or the mail not sent; a later call sends what is left.
    """
    if reason := describe_free_day(schedule.every, today):
        _report({"due": False, "reason": reason}, [f"There is no briefing today: {reason}."], form=form)
        return
    require_document(installation.viewer, "briefing")
    post = _Post.open(installation, schedule, today) if schedule.mail else None
    sentences, payload = list[str](), {"due": True, "day": today.isoformat()}
    if schedule.folder is not None:
        path = schedule.folder / schedule.name_file(today)
        is_new = not path.exists()
        if is_new:
            answers = read_answers(installation.store, installation.viewer)
            content = render_briefing_pdf(build(installation), installation.area, made_at=now, answers=answers)
            note_answer()
            with atomic_write(path) as draft:
                draft.write_bytes(content)
        sentences.append(f"Written: {path}" if is_new else f"It is there already, and was left as it is: {path}")
        removed = remove_old_files(schedule, today)
        if removed:
            sentences.append(f"Removed: {format_plural(removed, 'older briefing', 'older briefings')}.")
        payload |= {"file": str(path), "written": is_new, "removed": removed}
    if post is not None:
        note_answer()
        sent = post.send_all(build, now=now)
        had_it = len(post.settings.addresses) - sent
        sentences.append(f"Sent to {format_plural(sent, 'address', 'addresses')}.")
        if had_it:
            sentences.append(f"{had_it} had it already.")
        payload |= {"sent": sent, "had_it": had_it}
    _report(payload, sentences, form=form)


def remove_old_files(schedule: Schedule, today: dt.date) -> int:
    """Remove the briefings of this schedule that are older than it keeps them; how many. No other file is touched."""
    if schedule.folder is None or schedule.keep_days is None:
        return 0
    oldest = today - schedule.keep_days * _DAY
    old = [path for day, path in _list_days(schedule.folder, schedule.stem, ".pdf") if day < oldest]
    _remove(old)
    return len(old)


@dataclass(frozen=True, slots=True)
class _Post:
    """What is sent by mail: the settings, the password, the installation as each role sees it, and who has it."""

    settings: MailSettings
    password: str
    views: dict[Role, Installation]
    name: str
    marks: "_FileMarks | _StoreMarks"
    today: dt.date

    @classmethod
    def open(cls, installation: Installation, schedule: Schedule, today: dt.date) -> "_Post":
        """All that the policy and the settings decide; DataError or PolicyError if a message may not be sent."""
        home = installation.settings.home
        settings = read_policy(installation.store).mail
        if settings is None:
            raise DataError(
                "A briefing is sent by the mail server that policy.toml names",
                f"{POLICY_FILE} has no [mail]",
                "see 'A briefing every morning' in docs/running.md, or use --folder alone",
            )
        views = {
            role: replace(installation, viewer=limit_to_mail(choose_lesser_role(installation.viewer, role)))
            for role in list_roles(settings)
        }
        kind = _FileMarks if installation.settings.database_url is None else _StoreMarks
        marks = kind.open(installation, schedule, today)
        name = schedule.name_file(today)
        return cls(settings, read_password(settings, home), views, name, marks, today)

    def send_all(self, build: Callable[[Installation], Briefing], *, now: dt.datetime) -> int:
        """Send to each address that has not had it; how many. Each is noted as soon as it is sent.

        Another call of the same briefing waits until this one has ended, so that nobody has it twice. With PostgreSQL
        so does a call on another server.
        """
        with self.marks.lock():
            return self._send_left(build, now=now)

    def _send_left(self, build: Callable[[Installation], Briefing], *, now: dt.datetime) -> int:
        left = [(address, role) for address, role in self.settings.addresses if not self.marks.has(_hash(address))]
        pages = {role: self._render(build, role, now=now) for role in dict.fromkeys(role for _, role in left)}
        for address, role in left:
            subject, text, pdf = pages[role]
            message = build_message(
                self.settings, address, subject=subject, text=text, pdf=pdf, name=self.name, made_at=now
            )
            send_message(self.settings, message, password=self.password)
            self.marks.note(_hash(address))
        return len(left)

    def _render(
        self, build: Callable[[Installation], Briefing], role: Role, *, now: dt.datetime
    ) -> tuple[str, str, bytes]:
        """Subject, text and page for a role."""
        installation = self.views[role]
        facts = build(installation)
        hidden = tuple(line.layer for line in facts.layers)
        facts = replace(facts, notes=(_MAIL_NOTE, *facts.notes), sources=(), unknown_places=hidden, is_by_mail=True)
        subject = f"{'DEMONSTRATION: ' if facts.mark else ''}Hexbeat briefing, {format_date(self.today)}"
        lines = [facts.title, format_headline(facts, installation.area), *filter(None, [facts.headline]), _MAIL_NOTE]
        text = "\n\n".join([*lines, "OFFICIAL: for the partnership only. Do not pass it on."])
        return subject, f"{text}\n", render_briefing_pdf(facts, installation.area, made_at=now)


@dataclass(frozen=True, slots=True)
class _FileMarks:
    """Who has a briefing, in a file of the home: with SQLite there is one home."""

    path: Path

    @classmethod
    def open(cls, installation: Installation, schedule: Schedule, today: dt.date) -> "_FileMarks":
        folder = installation.settings.home / _MARKS_FOLDER
        _remove([path for day, path in _list_days(folder, None, ".sent") if day < today - _MARKS_DAYS * _DAY])
        return cls(folder / f"{schedule.stem}-{today.isoformat()}.sent")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the marks alone; the system lets go of them when this process ends, however it does."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        with self.path.open("a", encoding="ascii") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def has(self, mark: str) -> bool:
        return mark in self.path.read_text(encoding="ascii").split()

    def note(self, mark: str) -> None:
        with self.path.open("a", encoding="ascii") as file:
            file.write(f"{mark}\n")


@dataclass(frozen=True, slots=True)
class _StoreMarks:
    """The same in the store, for servers with homes of their own."""

    installation: Installation
    name: str

    @classmethod
    def open(cls, installation: Installation, schedule: Schedule, today: dt.date) -> "_StoreMarks":
        documents = installation.documents
        oldest = (today - _MARKS_DAYS * _DAY).isoformat()
        for name in documents.list_names(DocumentKind.MAIL):
            if name[-len(oldest) :] < oldest:
                documents.remove(DocumentKind.MAIL, name)
        return cls(installation, f"{schedule.stem}-{today.isoformat()}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the marks alone; the server lets go of them when this connection ends, however it does."""
        engine = self.installation.store.engine
        with translate_errors(engine), engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # the other call may have many to send
            key = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
            yield

    def has(self, mark: str) -> bool:
        document = self.installation.documents.read(DocumentKind.MAIL, self.name)
        return document is not None and mark in document.content.decode("ascii").split()

    def note(self, mark: str) -> None:
        self.installation.documents.update(
            DocumentKind.MAIL, self.name, lambda before: (before or b"") + f"{mark}\n".encode("ascii")
        )


def _hash(address: str) -> str:
    return hashlib.sha256(address.lower().encode()).hexdigest()


def _list_days(folder: Path, stem: str | None, ending: str) -> Iterable[tuple[dt.date, Path]]:
    """The files of a folder that a schedule has named (None: any schedule), with their days."""
    start = re.escape(stem) if stem is not None else "briefing-.*"
    pattern = re.compile(rf"{start}-(\d{{4}}-\d\d-\d\d){re.escape(ending)}")
    with _translate_errors():
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    for name in names:
        if match := pattern.fullmatch(name):
            try:
                yield dt.date.fromisoformat(match[1]), folder / name
            except ValueError:  # no day of the calendar, so none of ours
                continue


def _remove(paths: Iterable[Path]) -> None:
    with _translate_errors():
        for path in paths:
            path.unlink(missing_ok=True)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Say of a folder that cannot be used what a person can do."""
    try:
        yield
    except OSError as error:
        raise DataError(
            "Old briefings are removed from a folder that you can read and write",
            f"it cannot be changed ({error.strerror or type(error).__name__})",
            "look at its owner and mode, or leave out --keep",
        ) from error


def _report(payload: dict[str, object], sentences: Sequence[str], *, form: Format) -> None:
    if form is Format.JSON:
        print_answer(payload, form=form, rows=[])
        return
    for sentence in sentences:
        print_message(sentence)

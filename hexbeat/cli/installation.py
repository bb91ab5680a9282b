"""The options that commands of every kind share, and the installation that they open."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from geo.errors import HexbeatError, StoreError
from geo.lazy_modules import import_lazily
from hexbeat.cli.command_audit import ACTIONS, audit_command, audit_unknown_viewer, find_command_name
from hexbeat.policy import find_local_viewer
from hexbeat.settings import Settings
from hexbeat.store.home_layout import HomeProfiles, has_shared_files, has_store, is_followed
from layers.access import Action, Viewer

if TYPE_CHECKING:
    from hexbeat.areas import area as areas
    from hexbeat.store import home_files, prepared_files
    from hexbeat.store import store as stores
    from hexbeat.store.shared_documents import SharedDocuments
else:
    areas = import_lazily("hexbeat.areas.area")
    home_files = import_lazily("hexbeat.store.home_files")
    prepared_files = import_lazily("hexbeat.store.prepared_files")
    stores = import_lazily("hexbeat.store.store")

__all__ = [
    "AreaOption",
    "DryRunOption",
    "Format",
    "FormatOption",
    "HomeOption",
    "Installation",
    "YesOption",
    "find_asked_role",
    "find_documents_viewer",
    "find_home",
    "find_public_home",
    "find_viewer",
    "open_documents",
    "open_installation",
    "open_profiles",
    "open_store",
    "prepare_reading",
    "share_area",
    "takes_role",
]


class Format(StrEnum):
    """How a command answers: a table for people, JSON for programs."""

    TABLE = "table"
    JSON = "json"


HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="Folder of the store. [env: HEXBEAT_HOME; default: ./var]")
]
AreaOption = Annotated[
    str | None,
    typer.Option("--area", metavar="NAME", help="The area. [env: HEXBEAT_AREA; default: middlesbrough]"),
]
FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON on standard output.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]

RoleOption = Annotated[
    str | None,
    typer.Option("--role", metavar="NAME", help="See as a role that may do less than yours. [env: HEXBEAT_ROLE]"),
]
_role: Final[ContextVar[str | None]] = ContextVar("role", default=None)  # the option of the command that runs


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command works on: the settings, the area, the open store and the viewer."""

    settings: Settings
    area: "areas.Area"
    store: "stores.Store"
    viewer: Viewer

    @property
    def documents(self) -> "SharedDocuments":
        """What all users of the store share: plans, settings, profiles, registers."""
        return self.store.documents(self.viewer)


@contextmanager
def open_installation(home: Path | None, area: str | None) -> Iterator[Installation]:
    """Open the store and the area that the options, the environment or the defaults name.

    If an erasure is not finished yet, a message on standard error says so.

    The viewer is the local account: an analyst, because people who can run commands on the machine can also read the
    store's file, unless the access policy says otherwise; or the account in the lesser role of `--role`. How the
    command ends is written into the audit trail when the block ends, or before an answer leaves inside it.

    Raises PolicyError or DataError if the access policy lets the account do nothing (`hexbeat.policy`), UsageError if
    there is no such area, AreaError if its files are broken, StoreError if the store is broken, the audit trail cannot
    be written, or there is no store and the command is none that loads: only those make one.
    """
    settings = Settings.from_environment(home=home, area=area)
    # Of a shared store the areas may come from the store; without one, a wrong name makes no store.
    named_area = None if settings.database_url else areas.load_named_area(settings.area, home=settings.home)
    if not has_store(settings.home, settings.database_url):
        find_local_viewer(settings.home, role=_role.get())  # no store is made for whom the policy refuses
        if not _may_make_store() and not has_shared_files(settings.home):
            raise StoreError(
                "This command needs a store that is there",
                f"{settings.home} holds none",
                "check --home and HEXBEAT_HOME, or load records first (hexbeat ingest or hexbeat demo)",
            )
    with open_store(settings) as store:
        if pending := store.describe_pending_erasure():
            typer.echo(pending, err=True)
        viewer = find_viewer(store)
        named_area = named_area or areas.load_named_area(settings.area, home=settings.home)
        with audit_command(store, viewer, wards=named_area.wards):
            yield Installation(settings, named_area, store, viewer)


def _may_make_store() -> bool:
    """Whether the command that runs loads something, or lets people do so.

    Any other would answer from nothing where a home is mistyped.
    """
    name = find_command_name()
    return name in {"done import", "serve"} or ACTIONS.get(name, Action.LOAD) == Action.LOAD


@contextmanager
def open_documents(
    home: Path | None, *, action: str | None = None, find: "Callable[..., Viewer]" = find_local_viewer
) -> Iterator["SharedDocuments | None"]:
    """What all users of the store share, without an area; None if there is no store, because none is made for this.

    It is written into the audit trail, as `action` if that is not the command's usual one. `find` finds the viewer.
    """
    settings = Settings.from_environment(home=home)
    if not has_store(settings.home, settings.database_url) and not has_shared_files(settings.home):
        yield None
        return
    with open_store(settings) as store:
        viewer = find_viewer(store, find=find)
        with audit_command(store, viewer, action=action):
            yield store.documents(viewer)


@contextmanager
def open_profiles(home: Path | None) -> Iterator["SharedDocuments | HomeProfiles | None"]:
    """What holds the source profiles: the files of the home where they count, which takes no store; else the store."""
    settings = Settings.from_environment(home=home)
    if settings.database_url or not has_store(settings.home, None) or not is_followed(settings.home):
        with open_documents(home) as documents:
            yield documents
        return
    yield HomeProfiles(settings.home, find_local_viewer(settings.home, role=_role.get()))


def find_home(home: Path | None) -> Path:
    """The home folder; with a PostgreSQL store its copies of the shared areas are brought up to date first.

    Then the store is opened, and the command is written into the audit trail, unless `share_area` will do so.
    """
    settings = Settings.from_environment(home=home)
    if settings.database_url:
        with open_store(settings) as store:
            viewer = find_viewer(store)
            if ACTIONS.get(find_command_name()) != Action.LOAD:
                with audit_command(store, viewer):
                    pass
    return settings.home


def find_public_home() -> Path:
    """The home folder for what the public side shows of an area, brought up to date if its store can be reached.

    If it cannot, a message says that streets and names are those that this home had before. No home is made for this.
    """
    home = Settings.from_environment().home
    if not home.is_dir():
        return home
    try:
        return find_home(None)
    except HexbeatError as error:
        typer.echo(f"Streets and names are those that this home had before, because {error.fact}.", err=True)
        return home


def share_area(home: Path | None, name: str) -> None:
    """With a PostgreSQL store: share the area of that name in the home with everybody who uses the store."""
    settings = Settings.from_environment(home=home)
    own, cached = settings.home / "boundaries" / name, settings.home / home_files.AREA_CACHE / name
    folder = own if own.is_dir() else cached
    if not settings.database_url or not folder.is_dir():
        return
    with stores.Store.open(settings.home, database_url=settings.database_url) as store:
        viewer = find_viewer(store)
        with audit_command(store, viewer):
            store.share_area(viewer, folder)


def prepare_reading(installation: Installation, *, changed: int) -> None:
    """Make what is kept beside a large store for quick reading, after a load that changed so many events.

    The load is done by now, and so is the command: what prevents this, Ctrl+C too, is said on standard error, and the
    exit code is 0.
    """

    def announce(events: int) -> None:
        typer.echo(f"Preparing {events:,} events for quick reading (Ctrl+C leaves it to the first reader) …", err=True)

    wards = installation.area.wards.codes
    try:
        is_prepared = prepared_files.prepare_files(installation.store, wards, changed=changed, announce=announce)
    except KeyboardInterrupt:
        typer.echo("Stopped. The load is done; who reads it first waits for what was not prepared.", err=True)
        return
    if not is_prepared:
        typer.echo("This could not be prepared. The load is done; who reads it first waits a little longer.", err=True)


@contextmanager
def open_store(settings: Settings) -> Iterator["stores.Store"]:
    """The open store; what it has to say of the files in the home goes to standard error."""
    with stores.Store.open(settings.home, database_url=settings.database_url) as store:
        for notice in store.notices:
            typer.echo(notice, err=True)
        yield store


def find_viewer(store: "stores.Store", *, find: "Callable[..., Viewer]" = find_local_viewer) -> Viewer:
    """The viewer of a command, by the policy of the open store; errors as in `open_installation`.

    A refusal is written into the audit trail.
    """
    with audit_unknown_viewer(store):
        return find(store, role=_role.get())


def find_documents_viewer(documents: "SharedDocuments | None", home: Path | None) -> Viewer:
    """The viewer of a command that opened documents; without a store by the policy of the home folder."""
    return (
        documents.viewer
        if documents
        else find_local_viewer(Settings.from_environment(home=home).home, role=_role.get())
    )


def find_asked_role() -> str | None:
    """The role that the option `--role` of the running command names; None without it."""
    return _role.get()


def takes_role(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that opens an installation the option `--role`; itself if it opens none, or has such an option."""
    signature = inspect.signature(command, eval_str=True)
    if "home" not in signature.parameters or "role" in signature.parameters:
        return command
    option = inspect.Parameter("role", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=RoleOption)

    @functools.wraps(command)
    def run(*, role: str | None, **arguments: Any) -> None:
        token = _role.set(role)
        try:
            command(**arguments)
        finally:
            _role.reset(token)

    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]  # what inspect looks for first
    run.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()} | {
        "role": RoleOption
    }
    return run

"""The options that commands of every kind share, and the installation that they open."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.lazy_modules import import_lazily
from hexbeat.accounts import find_account
from hexbeat.cli.command_audit import audit_command
from hexbeat.settings import Settings
from layers.access import Role, Viewer

if TYPE_CHECKING:
    from hexbeat.areas import area as areas
    from hexbeat.store import store as stores
else:
    areas = import_lazily("hexbeat.areas.area")
    stores = import_lazily("hexbeat.store.store")

__all__ = [
    "AreaOption",
    "DryRunOption",
    "Format",
    "FormatOption",
    "HomeOption",
    "Installation",
    "YesOption",
    "open_installation",
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


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command works on: the settings, the area, the open store and the viewer."""

    settings: Settings
    area: "areas.Area"
    store: "stores.Store"
    viewer: Viewer


@contextmanager
def open_installation(home: Path | None, area: str | None) -> Iterator[Installation]:
    """Open the store and the area that the options, the environment or the defaults name.

    If an erasure is not finished yet, a message on standard error says so.

    People who can run commands on the machine can also read the store's file, so the viewer is an analyst, by the name
    of their account. How the command ends is written into the audit trail when the block ends, or before an answer
    leaves inside it.

    Raises UsageError if there is no such area, AreaError if its files are broken, StoreError if the store is broken
    or the audit trail cannot be written.
    """
    settings = Settings.from_environment(home=home, area=area)
    named_area = areas.load_named_area(settings.area, home=settings.home)
    with stores.Store.open(settings.home, database_url=settings.database_url) as store:
        if pending := store.describe_pending_erasure():
            typer.echo(pending, err=True)
        viewer = Viewer(Role.ANALYST, find_account())
        with audit_command(store, named_area, viewer):
            yield Installation(settings, named_area, store, viewer)

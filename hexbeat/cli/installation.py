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

from geo.lazy_modules import import_lazily
from hexbeat.policy import find_local_viewer
from hexbeat.settings import Settings
from layers.access import Viewer

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
    "find_viewer",
    "open_installation",
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


@contextmanager
def open_installation(home: Path | None, area: str | None) -> Iterator[Installation]:
    """Open the store and the area that the options, the environment or the defaults name.

    If an erasure is not finished yet, a message on standard error says so.

    The viewer is the local account: an analyst, because people who can run commands on the machine can also read the
    store's file, unless the access policy says otherwise; or the account in the lesser role of `--role`.

    Raises PolicyError or DataError if the access policy lets the account do nothing (`hexbeat.policy`), UsageError if
    there is no such area, AreaError if its files are broken, StoreError if the store is broken.
    """
    settings = Settings.from_environment(home=home, area=area)
    viewer = find_viewer(settings)
    named_area = areas.load_named_area(settings.area, home=settings.home)
    with stores.Store.open(settings.home, database_url=settings.database_url) as store:
        if pending := store.describe_pending_erasure():
            typer.echo(pending, err=True)
        yield Installation(settings, named_area, store, viewer)


def find_viewer(settings: Settings) -> Viewer:
    """The viewer of a command that opens no store; errors as in `open_installation`."""
    return find_local_viewer(settings.home, role=_role.get())


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

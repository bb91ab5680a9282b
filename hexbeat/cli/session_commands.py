"""sessions list, end: who is signed in to the dashboard."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import UsageError
from geo.lazy_modules import import_lazily
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.command_audit import note_rows
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation

if TYPE_CHECKING:
    from hexbeat.store import sign_ins
else:
    sign_ins = import_lazily("hexbeat.store.sign_ins")

__all__ = ["sessions"]

sessions = typer.Typer(
    no_args_is_help=True, help="List who is signed in to the dashboard, or sign people out everywhere."
)


@sessions.command("list")
def list_(*, home: HomeOption = None, area: AreaOption = None, form: FormatOption = Format.TABLE) -> None:
    """List who is signed in to the dashboard, the latest first.

    Example: hexbeat sessions list
    """
    with open_installation(home, area) as installation:
        active = sign_ins.list_sign_ins(installation.store, installation.viewer, now=int(time.time()))
        zone = installation.area.tz
        note_rows(len(active))
    rows = [
        {
            "subject": sign_in.subject,
            "name": sign_in.name,
            "method": sign_in.method,
            "from": datetime.fromtimestamp(sign_in.began_at, zone).isoformat(),
            "to": datetime.fromtimestamp(sign_in.ends_at, zone).isoformat(),
        }
        for sign_in in active
    ]
    print_answer({"sessions": rows}, form=form, rows=rows, heading="Signed in", empty="nobody")


@sessions.command()
def end(
    subject: Annotated[str | None, typer.Argument(help="The subject, as `hexbeat sessions list` shows it.")] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Sign everybody out.")] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Sign one person out everywhere, or everybody with --all. Their next click asks them to sign in.

    Example: hexbeat sessions end --all
    """
    if (subject is None) != everybody:
        raise UsageError(
            "Either one person or everybody is signed out",
            "a subject and --all are both given" if everybody else "neither a subject nor --all is given",
            "give one of them",
        )
    with open_installation(home, area) as installation:
        ended = sign_ins.end_sign_ins(installation.store, installation.viewer, subject=subject)
        note_rows(ended)
    print_answer({"ended": ended}, form=form, rows=[], heading="") if form is Format.JSON else print_message(
        f"{ended} {'sign-in has' if ended == 1 else 'sign-ins have'} ended."
    )

"""release site: a release as a page that needs no server."""

from pathlib import Path
from typing import Annotated

import typer

from commands.answers import print_answer
from commands.options import Format, FormatOption
from dashboard.public.advice import Contact
from dashboard.public.site import write_site
from layers.release.audit import require_audited
from layers.release.format import Release

__all__ = ["site"]


def site(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The directory of the release.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write the page into; made if it is not there.")],
    needle_contact: Annotated[
        str | None, typer.Option(envvar="HEXBEAT_NEEDLE_CONTACT", help="Whom to tell of a needle, in a sentence.")
    ] = None,
    needle_form: Annotated[
        str | None, typer.Option(envvar="HEXBEAT_NEEDLE_FORM", help="The council's form for needles, https://...")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write a release as one page of plain HTML with its downloads: for a web page, a frame, or to open from a disk.

    The release is audited first, by itself.

    Example: hexbeat release site release/ --out site/
    """
    contact = Contact(needle_contact, needle_form)
    found = Release.read(directory)
    require_audited(found)
    written = write_site(found, out, contact=contact)
    report = {"out": str(out), "files": written}
    print_answer(report, form=form, rows=[{"file": name} for name in written], heading=f"Written to {out}")

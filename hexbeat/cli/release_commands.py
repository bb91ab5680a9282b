"""release build, audit, show and site: the published numbers."""

import math
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from geo.errors import PolicyError, UsageError
from hexbeat.areas.area import list_areas, load_area
from hexbeat.areas.gazetteer import read_gazetteer
from hexbeat.areas.streets import read_streets
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import (
    AreaOption,
    Format,
    FormatOption,
    HomeOption,
    find_public_home,
    open_documents,
    open_installation,
)
from hexbeat.dashboard.public.advice import Contact
from hexbeat.dashboard.public.block_drawing import StreetLines
from hexbeat.dashboard.public.place_index import PlaceNames, select_place_names
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import format_period
from hexbeat.dashboard.public.site import write_site
from hexbeat.release.audit import AuditReport, audit_folder, require_audited
from hexbeat.release.format import Release
from hexbeat.release.policy import ReleasePolicy, load_policy
from hexbeat.release.publication import Publication, publish_release
from hexbeat.release.register import Register
from hexbeat.release.series import GivenRelease, find_earlier, find_series_faults
from layers.wording import format_date, format_plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hexbeat.release.conditions import Disclosure
    from hexbeat.release.series import EarlierRelease

__all__ = ["release", "site"]

HEADINGS: Final = (
    "k is the smallest number that is shown. A block is a number that is shown: of a piece (a cell within a ward), of "
    "a group of pieces, of the rest of a ward, or of the rest of the borough. These four columns say how many events "
    "the blocks of each kind hold."
)
PUBLIC_ROADS: Final = ("street", "through", "main")  # in the order in which they are drawn
ReleaseArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A release.")]


def site(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the release.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the page; made if it does not exist.")],
    needle_contact: Annotated[
        str | None, typer.Option(envvar="HEXBEAT_NEEDLE_CONTACT", help="A sentence that says how to report a needle.")
    ] = None,
    needle_form: Annotated[
        str | None,
        typer.Option(envvar="HEXBEAT_NEEDLE_FORM", help="Address of the council's form for needles, https://..."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Write a release as one page of plain HTML with its downloads.

    Put it on a web site, show it in a frame, or open it from a disk. The release is audited first, by itself.

    Example: hexbeat release site release/ --out site/
    """
    contact = Contact(needle_contact, needle_form)
    published = Release.read(directory)
    require_audited(published)
    home = find_public_home()
    streets, names = find_street_lines(published, home), find_names(published, home)
    files = write_site(published, out, contact=contact, streets=streets, names=names)
    report = {"out": str(out), "files": files}
    print_answer(report, form=form, rows=[{"file": name} for name in files], heading=f"Written to {out}")


def find_street_lines(published: Release, home: Path) -> StreetLines | None:
    """The roads of the release's area, if that area and its streets are on this machine."""
    name = str(published.facts["area"]["name"])
    streets = read_streets(load_area(name, home=home)) if name in list_areas(home) else None
    if streets is None:
        return None
    lines = {kind: [line for _, line in streets.list_shapes("lines", kind)] for kind in PUBLIC_ROADS}
    return StreetLines({kind: some for kind, some in lines.items() if some}, streets.credits)


def find_names(published: Release, home: Path) -> PlaceNames | None:
    """The names that readers of the release may look for, if its area and a gazetteer are on this machine."""
    name = str(published.facts["area"]["name"])
    gazetteer = read_gazetteer(load_area(name, home=home)) if name in list_areas(home) else None
    return select_place_names(gazetteer.points, gazetteer.attributions) if gazetteer else None


release = typer.Typer(no_args_is_help=True, help="Build, audit and show the public release, or write it as a web page.")
release.command()(site)


@release.command()
def build(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder, or the folder of the last release.")],
    as_at: Annotated[
        str | None, typer.Option(metavar="DATE", help="Use what was known at the end of that day.")
    ] = None,
    first: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day of the series; only for the first release.")
    ] = None,
    continues: Annotated[
        str | None,
        typer.Option(metavar="AREA", help="Continue the series of that area with new wards, from the next period on."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published, and write nothing.")] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Publish the periods that are due. It writes nothing if the audit finds anything.

    Messages on standard error (hidden events, reports that look planted) are for the publisher only.

    Example: hexbeat release build --out public
    """
    with open_installation(home, area) as installation:
        now = datetime.now(UTC)
        day = parse_day(as_at) if as_at else now.astimezone(installation.area.tz).date()
        policy = set_first_day(
            load_policy(installation.documents),
            first,
            Register(installation.documents, installation.area.name),
        )
        publication = publish_release(
            installation.store,
            installation.viewer,
            installation.area,
            policy,
            out,
            home=installation.settings.home,
            as_at=day,
            now=now,
            continues=continues,
            dry_run=dry_run,
        )
    rows = build_layer_rows(publication.release)
    report = build_audit_row(publication.report)
    number = publication.release.facts["number"]
    print_answer(
        {"number": number, "new": publication.is_new, "written": not dry_run, "checksum": publication.checksum,
         "first": dict(publication.first_days), "layers": rows, "audit": report},
        form=form, rows=rows, heading=f"Release {number} {'as it would be' if dry_run else f'in {out}'}",
    )  # fmt: skip
    if form is Format.TABLE:
        print_message(HEADINGS)
    print_publisher_notes(publication, dry_run=dry_run)


def print_publisher_notes(publication: Publication, *, dry_run: bool) -> None:
    """Print the notes for the publisher alone: the start of the series, hidden events, reports that look planted."""
    if not publication.is_new:
        print_message("No period is due since the last release: it is the same as before.")
    elif publication.release.facts["number"] == 1:
        days = ", ".join(f"{layer} {day}" for layer, day in publication.first_days.items())
        print_message(
            f"The series begins with the first whole period from: {days}. You cannot change this later. To choose "
            "another day, use --first: the day from which your sources are complete, never the day of an event."
        )
    print_period_notes(publication.release)
    for layer, periods in publication.hidden.items():
        total = sum(periods.values())
        print_message(
            f"{layer}: {format_plural(total, 'event', 'events')} of the new periods {'is' if total == 1 else 'are'} "
            "hidden altogether. Keep this number to yourself."
        )
    for burst in publication.bursts:
        print_message(
            f"{burst.layer} {burst.period}: {burst.place} is shown only because of {burst.reports} public reports of "
            f"{format_date(burst.day)}. Check them{' before you publish' if dry_run else ''}."
        )
    print_message(
        f"The audit found nothing. It checked {publication.report.blocks:,} numbers "
        f"of {format_plural(publication.report.releases, 'release', 'releases')}."
    )
    if dry_run:
        print_message("Nothing was written: this was a dry run.")


def set_first_day(policy: ReleasePolicy, first: str | None, register: Register) -> ReleasePolicy:
    """The policy with that first day; UsageError if the series has already begun."""
    if first is None:
        return policy
    if register.all():
        raise UsageError(
            "Use --first only for the first release of a series", "there is a release already", "leave out --first"
        )
    return replace(policy, first=parse_day(first))


@release.command()
def audit(
    folder: ReleaseArgument,
    *,
    before: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="An earlier release, the oldest first; default: those in the register."),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Leave out the earlier releases.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Look for small numbers that somebody could prove from a release and all earlier ones together.

    The earlier releases come from the register of the store, or from --before. An earlier release that the
    audit could not look at is a finding, unless you add --alone.

    Example: hexbeat release audit public
    """
    audited = GivenRelease.read(folder)
    earlier, faults = find_earlier_releases(audited, before or [], home)
    faults = [*faults, *find_series_faults(audited.release, earlier, alone=alone)]
    report = audit_folder(folder, before=[old.release for old in earlier], more=faults)
    findings = [asdict(finding) for finding in report.findings]
    row = build_audit_row(report)
    layers = build_audit_rows(report)
    payload = {**row, "alone": alone, "earlier_not_looked_at": report.missing_before}
    print_answer({**payload, "layers": layers, "findings": findings}, form=form, rows=[row], heading="Audit")
    if form is Format.TABLE:
        print_answer(layers, form=form, rows=layers, heading="By layer: sets tried, narrowest possible values, odds")
    if alone:
        print_message(f"Because of --alone, the audit left out {report.missing_before} earlier releases.")
    if findings:
        print_answer(findings, form=form, rows=findings, heading="Findings") if form is Format.TABLE else None
        raise PolicyError(
            "Publish a release only if its audit finds nothing",
            f"the audit has {format_plural(len(findings), 'finding', 'findings')}",
            "do not publish this release; if it is public already, withdraw it",
        )


@release.command()
def show(folder: ReleaseArgument, *, form: FormatOption = Format.TABLE) -> None:
    """Show what a release holds: layers, thresholds, periods, and its numbers at each level.

    Example: hexbeat release show public
    """
    published = Release.read(folder)
    rows = build_layer_rows(published)
    facts = {name: published.facts[name] for name in ("number", "as_at", "demonstration")}
    print_answer(
        {**facts, "layers": rows}, form=form, rows=rows, heading=f"Release {facts['number']} as at {facts['as_at']}"
    )
    print_period_notes(published)


def build_layer_rows(published: Release) -> list[dict[str, Any]]:
    """One row for each layer: its threshold, its periods, and the events shown at each level (sums of blocks)."""
    rows = []
    for layer in published.layers:
        blocks = [block for block in published.blocks if block.layer == layer.name]
        levels = {
            level: sum(block.count for block in blocks if block.level == level)
            for level in ("piece", "group", "ward", "borough")
        }
        span = f"{layer.periods[0].name} to {layer.periods[-1].name}" if layer.periods else "none yet"
        row = {"layer": layer.name, "k": layer.k, "periods": span, "blocks": len(blocks), **levels}
        rows.append(row | {"not_known": ", ".join(period.name for period in layer.not_known)})
    return rows


def print_period_notes(published: Release) -> None:
    """Print which periods are not known, and when the next numbers of each layer are due."""
    for layer in published.layers:
        if layer.not_known:
            names = ", ".join(period.name for period in layer.not_known)
            print_message(f"{layer.name}: not known, because the records do not cover all of it: {names}.")
    for layer in ReleaseTotals(published).layers:
        next_period, day = ReleaseTotals(published).find_next_period(layer)
        words = format_period(next_period)
        print_message(f"{layer.name}: the next numbers, for {words}, are due on {format_date(day)}.")


def build_audit_row(report: AuditReport) -> dict[str, Any]:
    """The audit as one row."""
    return {
        "findings": len(report.findings),
        "releases": report.releases,
        "layers_and_periods": report.trees,
        "numbers": report.blocks,
        "sets_of_pieces_decided": format_power(report.sets_log2),
        "fewest_possible_values_of_a_piece": format_possible(report.narrowest, -1),
        "unpublished_pieces_in_numbers": report.pieces_in_blocks,
        "very_probably_small": report.likely_small,
    }


def build_audit_rows(report: AuditReport) -> list[dict[str, Any]]:
    """One row for each layer: the sets tried, the narrowest sets of possible values, and the odds."""
    return [
        {
            "layer": layer.layer,
            "periods": layer.periods,
            "numbers": layer.blocks,
            "sets_of_pieces_decided": format_power(layer.sets_log2),
            "narrowest_of_a_piece": format_possible(layer.narrowest, layer.k),
            "narrowest_of_pieces_together": format_possible(layer.narrowest_union, layer.k),
            "unpublished_pieces_in_numbers": layer.pieces_in_blocks,
            "very_probably_small": layer.likely_small,
        }
        for layer in report.layers
    ]


def format_possible(possible: tuple[int, ...], k: int) -> str:
    """Possible numbers as text; k stands for k or more."""
    numbers = [f"{number} or more" if number == k else str(number) for number in possible]
    return ", ".join(numbers) or "none is unknown within a number"


def format_power(log2: int) -> str:
    """A power of two as a power of ten."""
    return f"10^{math.floor(log2 * math.log10(2))}"


def find_earlier_releases(
    audited: GivenRelease, before: list[Path], home: Path | None
) -> tuple["Sequence[EarlierRelease]", "list[Disclosure]"]:
    """The releases before a release, from `before` or the register, and the faults of the register."""
    if before:
        return [GivenRelease.read(path) for path in before], []
    with open_documents(home) as documents:
        return find_earlier(audited, documents)


def parse_day(text: str) -> date:
    """A date from 2026-11-22; UsageError for any other text."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "Write a day as in 2026-11-22", f"it was written as {text!r}", "write year, month and day"
        ) from error

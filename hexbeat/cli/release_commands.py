"""release build, audit, show and site: the numbers for the public."""

import math
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo.errors import PolicyError, UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from hexbeat.dashboard.public.advice import Contact
from hexbeat.dashboard.public.site import write_site
from hexbeat.release.audit import AuditReport, audit_folder, require_audited
from hexbeat.release.format import Release
from hexbeat.release.policy import ReleasePolicy, load_policy
from hexbeat.release.publication import Publication, publish_release
from hexbeat.release.register import Register
from hexbeat.release.series import GivenRelease, find_earlier, find_series_faults
from hexbeat.settings import Settings
from layers.wording import format_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hexbeat.release.conditions import Disclosure
    from hexbeat.release.series import EarlierRelease

__all__ = ["release", "site"]


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


release = typer.Typer(no_args_is_help=True, help="The public release: build, audit, show, write it as a page.")
release.command()(site)


@release.command()
def build(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder, or the one of the release before.")],
    as_at: Annotated[str | None, typer.Option(metavar="DATE", help="As known at the end of that day.")] = None,
    first: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day of the series; for the first release alone.")
    ] = None,
    continues: Annotated[
        str | None, typer.Option(metavar="AREA", help="Go on from that area's series: new wards, from the next period.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published, and write nothing.")] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Publish the periods that are due: build, audit, note, write. Nothing is written unless it is safe.

    What is said on standard error (hidden events, likely plants) is for the publisher alone.

    Example: hexbeat release build --out public
    """
    with open_installation(home, area) as installation:
        now = datetime.now(UTC)
        day = parse_day(as_at) if as_at else now.astimezone(installation.area.tz).date()
        policy = set_first_day(
            load_policy(installation.settings.home),
            first,
            Register.of(installation.settings.home, installation.area.name),
        )
        published = publish_release(
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
    rows = build_layer_rows(published.release)
    report = build_audit_row(published.report)
    number = published.release.facts["number"]
    print_answer(
        {"number": number, "new": published.is_new, "written": not dry_run, "checksum": published.checksum,
         "first": dict(published.first), "layers": rows, "audit": report},
        form=form, rows=rows, heading=f"Release {number} {'as it would be' if dry_run else f'in {out}'}",
    )  # fmt: skip
    print_publisher_notes(published, dry_run=dry_run)


def print_publisher_notes(published: Publication, *, dry_run: bool) -> None:
    """What the publisher alone should know: where the series begins, what is hidden, what looks planted."""
    if not published.is_new:
        print_message("No period is due since the last release: it is the same as before.")
    elif published.release.facts["number"] == 1:
        days = ", ".join(f"{layer} {day}" for layer, day in published.first.items())
        print_message(
            f"The series begins with the first whole period from: {days}. It stays for good. Choose another day with "
            "--first: from when your sources are complete, and never from the day of an event."
        )
    for layer, periods in published.hidden.items():
        total = sum(periods.values())
        print_message(
            f"{layer}: {total:,} events of the new periods are hidden altogether. This number is for you alone."
        )
    for burst in published.bursts:
        print_message(
            f"{burst.layer} {burst.period}: {burst.place} is shown only because of {burst.reports} public reports of "
            f"{format_date(burst.day)}. Look at them{' before you publish' if dry_run else ''}."
        )
    print_message(
        f"The audit found nothing: {published.report.blocks:,} numbers, {published.report.releases} releases together."
    )
    if dry_run:
        print_message("Nothing was written: this was a dry run.")


def set_first_day(policy: ReleasePolicy, first: str | None, register: Register) -> ReleasePolicy:
    """The policy with that first day; UsageError if the series began already."""
    if first is None:
        return policy
    if register.all():
        raise UsageError(
            "The first release fixes where a series begins, for good", "there is one already", "leave --first out"
        )
    return replace(policy, first=parse_day(first))


@release.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A release.")],
    *,
    before: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="An earlier release, the oldest first; else the register.")
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Do not ask for the earlier releases that it names.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Look for anything small that can be proved from a release and all before it together.

    The earlier releases are all that the register of the home folder holds before its number, or those of --before. One
    that it names and that was not looked at is a finding, unless --alone.

    Example: hexbeat release audit public
    """
    audited = GivenRelease.read(folder)
    earlier, more = find_earlier_releases(audited, before or [], home)
    more = [*more, *find_series_faults(audited.release, earlier, alone=alone)]
    report = audit_folder(folder, before=[old.release for old in earlier], more=more)
    findings = [asdict(found) for found in report.findings]
    row = build_audit_row(report)
    layers = build_audit_rows(report)
    whole = {**row, "alone": alone, "earlier_not_looked_at": report.missing_before}
    print_answer({**whole, "layers": layers, "findings": findings}, form=form, rows=[row], heading="Audit")
    if form is Format.TABLE:
        print_answer(
            layers, form=form, rows=layers, heading="By layer: sets tried, the narrowest possible values, the odds"
        )
    if alone:
        print_message(f"Alone: {report.missing_before} of the releases that it names as earlier were not looked at.")
    if findings:
        print_answer(findings, form=form, rows=findings, heading="Found") if form is Format.TABLE else None
        raise PolicyError(
            "From a release nothing small can be proved",
            f"the audit found {len(findings)}",
            "do not publish it; withdraw it if it is published",
        )


@release.command()
def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A release.")], *, form: FormatOption = Format.TABLE
) -> None:
    """What a release holds: layers, thresholds, periods, and at which level its numbers are.

    Example: hexbeat release show public
    """
    found = Release.read(folder)
    rows = build_layer_rows(found)
    facts = {name: found.facts[name] for name in ("number", "as_at", "demonstration")}
    print_answer(
        {**facts, "layers": rows}, form=form, rows=rows, heading=f"Release {facts['number']} as at {facts['as_at']}"
    )


def build_layer_rows(found: Release) -> list[dict[str, Any]]:
    """One row a layer: its terms, its periods, and the events shown at each level. Sums of blocks, nothing else."""
    rows = []
    for layer in found.layers:
        blocks = [block for block in found.blocks if block.layer == layer.name]
        levels = {
            level: sum(block.count for block in blocks if block.level == level)
            for level in ("piece", "group", "ward", "borough")
        }
        span = f"{layer.periods[0].name} to {layer.periods[-1].name}" if layer.periods else "none yet"
        rows.append({"layer": layer.name, "k": layer.k, "periods": span, "blocks": len(blocks), **levels})
    return rows


def build_audit_row(report: AuditReport) -> dict[str, Any]:
    """The audit in one row."""
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
    """The audit by layers: what was tried, the narrowest sets of possible values, and the odds."""
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
    """Possible numbers in words; k stands for k or more."""
    said = [f"{number} or more" if number == k else str(number) for number in possible]
    return ", ".join(said) or "none is unknown within a number"


def format_power(log2: int) -> str:
    """A power of two as a power of ten."""
    return f"10^{math.floor(log2 * math.log10(2))}"


def find_earlier_releases(
    audited: GivenRelease, before: list[Path], home: Path | None
) -> tuple["Sequence[EarlierRelease]", "list[Disclosure]"]:
    """The releases before one, as given or from the register, and where the register contradicts it."""
    if before:
        return [GivenRelease.read(path) for path in before], []
    return find_earlier(audited, Settings.from_environment(home=home).home)


def parse_day(text: str) -> date:
    """A date as in 2026-11-22; UsageError otherwise."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("A day is written as in 2026-11-22", f"{text!r} is not", "write year, month, day") from error

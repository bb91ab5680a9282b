"""Door for machines: the command line, as a table of contents."""

import sys
from collections.abc import Callable

import typer

from commands.analysing import alerts, hotspots
from commands.answers import say_error
from commands.areas import boundaries
from commands.counting import counts
from commands.covering import naloxone
from commands.evaluating import evaluate
from commands.evidence import evidence
from commands.judging import backtest, change, near_repeats
from commands.placing import places
from commands.planning import plan
from commands.releasing import release
from commands.reporting import briefing
from commands.returning import return_
from commands.running import demo, serve
from commands.sourcing import sources
from commands.storing import erase, export, history, ingest, rejects, retain, undo
from commands.working import done
from geo.errors import HexbeatError

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Hexbeat: needle litter, street dealing, overdoses and closed properties on one map.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

commands: tuple[Callable[..., None], ...] = (
    *(demo, serve, ingest, rejects, history, erase, retain, undo),
    *(counts, hotspots, change, alerts, near_repeats, backtest, export),
    *(evaluate, naloxone),
    *(briefing, evidence),
)
for command in commands:
    app.command()(command)
app.add_typer(sources, name="sources")
app.add_typer(boundaries, name="boundaries")
app.add_typer(release, name="release")
app.add_typer(plan, name="plan")
app.add_typer(places, name="places")
app.add_typer(done, name="done")
app.command("return")(return_)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 2 wrong usage, 3 input unusable and nothing changed, 4 refused."""
    try:
        app()
    except HexbeatError as error:
        say_error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

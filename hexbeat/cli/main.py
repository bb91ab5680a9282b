"""Door for machines: the command line, as a table of contents. What a command needs is imported when it is called."""

import sys
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import typer

from geo.errors import HexbeatError, UsageError
from hexbeat.cli.answers import print_error, print_message

__all__ = ["main", "make_app"]

# Where each command lives; in the order in which the help lists them.
_COMMANDS: Final = MappingProxyType(
    {
        **dict.fromkeys(("demo", "serve"), "server_commands"),
        **dict.fromkeys(("ingest", "rejects", "history", "erase", "retain", "undo", "export"), "store_commands"),
        "sources": "store_commands",
        "boundaries": "area_commands",
        "places": "place_commands",
        "counts": "count_commands",
        **dict.fromkeys(("hotspots", "alerts"), "hotspot_commands"),
        **dict.fromkeys(("change", "near-repeats", "backtest"), "change_commands"),
        "plan": "plan_commands",
        "done": "ledger_commands",
        "return": "ledger_commands",
        "briefing": "briefing_commands",
        "evidence": "evidence_commands",
        "evaluate": "evaluation_commands",
        "naloxone": "naloxone_commands",
        "release": "release_commands",
    }
)


def make_app(*names: str) -> typer.Typer:
    """The command line with these commands; with all there are if none is named."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Hexbeat: needle litter, street dealing, overdoses and closed properties on one map.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # so that one command alone is still called by its name
    for name in names or _COMMANDS:
        found = import_module(f"hexbeat.cli.{_COMMANDS[name]}")
        command = getattr(found, "return_" if name == "return" else name.replace("-", "_"))  # return is Python's word
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command line. Exit codes: 0 done, 2 wrong usage, 3 input unusable and nothing changed, 4 refused."""
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        code = make_app(*([called] if called in _COMMANDS else []))(prog_name="hexbeat", standalone_mode=False)
    except typer.TyperException as error:
        print_usage_error(error)
        sys.exit(UsageError.exit_code)
    except HexbeatError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except typer.Abort:  # a question that nobody answered
        print_message("Stopped.")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def print_usage_error(error: Any) -> None:
    """Say what is wrong with a call in the form of all errors; the help, where a command was called without words."""
    if type(error).show is not typer.BadParameter.show:  # it shows itself as help
        error.show()
        return
    context = getattr(error, "ctx", None)
    path, fact = context.command_path if context else "hexbeat", error.format_message().strip().rstrip(".")
    print_error(UsageError(f"{path} takes what its help lists", f"{fact[:1].lower()}{fact[1:]}", f"see {path} --help"))


if __name__ == "__main__":
    main()

"""What the command line says of words that it does not know: three parts, as all errors; and exit codes."""

import pytest

from tests.support.cli import Run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("counts", "--laier", "x"),
            """Write each command as its help shows.
  No such option: --laier (Possible options: --area, --layer, --ward).
  See hexbeat counts --help.
""",
        ),
        (
            ("ingest",),
            "Write each command as its help shows.\n  Missing argument 'FILE...'.\n  See hexbeat ingest --help.\n",
        ),
        (
            ("cuonts",),
            """Write each command as its help shows.
  No such command 'cuonts'. Did you mean 'counts'?
  See hexbeat --help.
""",
        ),
    ],
    ids=["option", "argument", "command"],
)
def test_wrong_words_are_told_in_three_parts(run: Run, words: tuple[str, ...], message: str) -> None:
    outcome = run(*words)
    assert (outcome.code, outcome.out, outcome.err) == (2, "", message)


def test_a_command_without_words_shows_its_help(run: Run) -> None:
    for words, usage in (((), "hexbeat"), (("plan",), "hexbeat plan")):
        outcome = run(*words)
        assert outcome.code == 2
        assert (outcome.out + outcome.err).startswith(f"Usage: {usage} [OPTIONS] COMMAND")


def test_help_is_no_error(run: Run) -> None:
    assert run("counts", "--help").code == 0

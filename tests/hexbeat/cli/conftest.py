"""What tests of commands share: a question to the demonstration's store."""

import pytest

from tests.support.cli import Outcome, Run
from tests.support.demonstrations import filled_store


@pytest.fixture
def ask(run: Run) -> Run:
    """Run a command on the demonstration of TODAY, whose store all these tests read and none writes."""

    def command(*arguments: object) -> Outcome:
        return run(*arguments, "--home", filled_store())

    return command

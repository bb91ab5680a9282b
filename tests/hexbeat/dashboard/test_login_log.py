"""The log of failed sign-ins: one line, no trace, no name of a person."""

import io
import logging
from collections.abc import Iterator

import pytest

from hexbeat.dashboard.login_log import LOGGER, shorten_log


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What Streamlit's sign-in routes log, as a server would show it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger(LOGGER).addHandler(handler)
    shorten_log()
    yield text
    logging.getLogger(LOGGER).removeHandler(handler)


def test_a_failure_is_one_line(log: io.StringIO) -> None:
    error = ConnectionError("10.0.0.7 refused jo@example.org")
    logging.getLogger(LOGGER).warning("Error during OAuth authorization redirect.", exc_info=error)
    assert log.getvalue() == (
        "Signing in by the identity provider failed: it cannot be reached, or its answer cannot be used "
        "(ConnectionError). Check HEXBEAT_OIDC_ISSUER and the network.\n"
    )


@pytest.mark.parametrize(
    ("code", "said"), [("access_denied", "access_denied"), ("jo@example.org\tx", "an unknown error")]
)
def test_what_the_provider_says_of_a_person_is_not_logged(log: io.StringIO, code: str, said: str) -> None:
    text = "Error during authentication: %s. Error description: %s"
    logging.getLogger(LOGGER).error(text, code, "jo@example.org is not assigned")
    logging.getLogger(LOGGER).warning("Missing provider for OAuth callback")
    assert log.getvalue().splitlines() == [
        f"Signing in by the identity provider failed: it answered {said}.",
        "Missing provider for OAuth callback",
    ]

"""What the log says of sign-ins by the provider that fail: one line each, without a trace and without a person's name.

Streamlit logs them with all of Authlib's frames, and with what the provider says of the person, such as an address.
"""

import logging
import re
import warnings
from typing import Final

from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped]  # it has no types

__all__ = ["LOGGER", "shorten_log", "shorten_record"]

LOGGER: Final = "streamlit.web.server.starlette.starlette_auth_routes"
ERROR_CODE: Final = re.compile(r"[a-z_]{1,40}")  # as OAuth has them; anybody can send another text


def shorten_log() -> None:
    """Let this process log sign-ins in short, and no advice to the authors of Streamlit."""
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    logger = logging.getLogger(LOGGER)
    if shorten_record not in logger.filters:
        logger.addFilter(shorten_record)


def shorten_record(record: logging.LogRecord) -> bool:
    """Make a line of Streamlit's sign-in routes a short one; always true, so that it is logged."""
    if record.exc_info and (kind := record.exc_info[0]):
        problem = f"it cannot be reached, or its answer cannot be used ({kind.__name__})"
        record.msg = (
            f"Signing in by the identity provider failed: {problem}. Check HEXBEAT_OIDC_ISSUER and the network."
        )
    elif str(record.msg).startswith("Error during authentication") and isinstance(record.args, tuple):
        code = str(record.args[0])
        problem = code if ERROR_CODE.fullmatch(code) else "an unknown error"
        record.msg = f"Signing in by the identity provider failed: it answered {problem}."
    else:
        return True
    record.args, record.exc_info, record.exc_text = (), None, None
    return True

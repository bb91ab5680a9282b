"""The local account of whoever runs Hexbeat, as the audit trail names them."""

import getpass
import os
from functools import cache

try:
    import pwd
except ImportError:  # not on Windows
    pwd = None  # type: ignore[assignment]  # as the check below expects

__all__ = ["find_account"]


@cache
def find_account() -> str:
    """The name of the account that this process runs as.

    It comes from the system, not from the environment, which anybody may set; where the system knows no name, it is the
    number of the account.
    """
    if pwd is None:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"

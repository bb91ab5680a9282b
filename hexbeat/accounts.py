"""The local account of whoever runs Hexbeat, as the audit trail names them."""

import getpass
import os
import sys
from functools import cache

if sys.platform != "win32":
    import pwd

__all__ = ["find_account"]


@cache
def find_account() -> str:
    """The name of the account that this process runs as.

    It comes from the system, not from the environment, which anybody may set; where the system knows no name, it is the
    number of the account.
    """
    if sys.platform == "win32":
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"

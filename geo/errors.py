"""The tree of errors that a caller may catch.

HexbeatError
├── DataError     a file, a row or a value cannot be used; nothing was changed      (exit code 3)
├── AreaError     wards or other boundaries are missing or not a valid coverage     (exit code 3)
├── StoreError    the store cannot be opened, read or written                       (exit code 3)
│   └── ClockError  the clock is so far ahead of the records that it may be wrong    (exit code 3)
├── UsageError    the question itself makes no sense: an unknown layer, ward, date  (exit code 2)
└── PolicyError   the access or disclosure policy refuses                           (exit code 4)
"""

from typing import ClassVar

__all__ = ["AreaError", "ClockError", "DataError", "HexbeatError", "PolicyError", "StoreError", "UsageError"]


class HexbeatError(Exception):
    """An error in three parts: the rule, the fact that breaks it, and a hint what to do.

    Screens and commands show each part as a sentence of its own; `str()` joins them with semicolons. No part
    may hold personal data: name files, columns, lines and reasons, never the content of a record.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, rule: str, fact: str, hint: str) -> None:
        super().__init__(rule, fact, hint)
        self.rule, self.fact, self.hint = rule, fact, hint

    def __str__(self) -> str:
        return f"{self.rule}; {self.fact}; {self.hint}"


class DataError(HexbeatError):
    """A file, a row or a value cannot be used; nothing was changed."""


class AreaError(HexbeatError):
    """Wards or other boundaries are missing or are not a valid coverage."""


class StoreError(HexbeatError):
    """The store cannot be opened, read or written."""


class ClockError(StoreError):
    """The clock is so far ahead of the records that it may be wrong."""


class UsageError(HexbeatError):
    """The question itself makes no sense: an unknown layer, ward, date or option."""

    exit_code: ClassVar[int] = 2


class PolicyError(HexbeatError):
    """The access or disclosure policy refuses."""

    exit_code: ClassVar[int] = 4

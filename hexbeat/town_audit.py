"""What the Python interface writes into the audit trail: each answer of a Town, before it is given."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar

from geo.errors import HexbeatError
from hexbeat.accounts import find_account
from hexbeat.store.audit_deeds import Deed
from hexbeat.store.audit_trail import audit
from hexbeat.store.audit_words import format_audit_values
from hexbeat.store.store import Store
from layers.access import Action, build_stranger

__all__ = ["audit_opening", "audited"]

DOOR: Final = "python"
_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")
_is_answering: Final = ContextVar("hexbeat_is_answering", default=False)


@contextmanager
def audit_opening(store: Store) -> Iterator[None]:
    """Write into the audit trail that the policy refused the account, or that it cannot be used."""
    try:
        yield
    except HexbeatError:
        deed = Deed(door=DOOR, action=Action.SEE_COUNTS, what="open", form="")
        with audit(store.engine, store.home, build_stranger(find_account()), deed):
            raise


def audited(action: Action) -> Callable[[Callable[_Arguments, _Answer]], Callable[_Arguments, _Answer]]:
    """Have a method of Town written into the audit trail before it answers, with the filters of its keywords.

    A method that another one calls is not written again, nor is one of a town that is closed.
    """

    def decorate(method: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
        names = tuple(inspect.signature(method).parameters)

        @functools.wraps(method)
        def run(*arguments: _Arguments.args, **keywords: _Arguments.kwargs) -> _Answer:
            town: Any = arguments[0]
            if town.is_closed or _is_answering.get():
                return method(*arguments, **keywords)
            values: dict[str, Any] = dict(zip(names, arguments, strict=False)) | keywords
            for name, value in values.items():
                if isinstance(value, Iterator):  # it can be read once
                    values[name] = tuple(value)
            town = values.pop(names[0])
            deed = Deed(
                door=DOOR,
                action=action,
                what=method.__name__,
                words=format_audit_values(values, town.area.wards),
                form="frame",
            )
            token = _is_answering.set(True)
            try:
                with audit(town.store.engine, town.store.home, town.viewer, deed):
                    answer: _Answer = method(town, **values)
                    deed.rows = len(answer) if isinstance(answer, Sized) else None
                    return answer
            finally:
                _is_answering.reset(token)

        return run

    return decorate

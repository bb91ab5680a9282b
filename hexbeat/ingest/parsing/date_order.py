"""The order of day and month in a column of dates that are written in numbers: one column has one order.

21/11/2026 can only have its day first, 11/21/2026 only its month, 5/6/2026 either. The certain ones decide for all.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from geo.errors import DataError
from hexbeat.ingest.sources import SourceProfile, Times
from layers.wording import format_plural

__all__ = ["DateOrders", "Order", "describe_order", "find_order", "require_free_order", "swap_order"]

_NUMERIC: Final = re.compile(r"\s*(?:[A-Za-z]{3,9}\.?,?\s+)?(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})(?!\d)")
_MONTHS: Final = 12
_SWAPPED: Final = {"%d": "%m", "%m": "%d"}
Order = Literal["day", "month"]


@dataclass(slots=True)
class DateOrders:
    """How many dates of a file can only have the day first, only the month first, or either; and an example of each."""

    day_only: int = 0
    month_only: int = 0
    either: int = 0
    examples: dict[Order, str] = field(default_factory=dict)

    def add(self, texts: Iterable[str]) -> None:
        """Count texts; those that are no date of three numbers with the year last are passed over."""
        for text in texts:
            match = _NUMERIC.match(text)
            if match is None:
                continue
            first, second = int(match[1]), int(match[2])
            if first <= _MONTHS and second <= _MONTHS:
                self.either += first != second
            elif second <= _MONTHS:
                self.day_only += 1
                self.examples.setdefault("day", text)
            elif first <= _MONTHS:
                self.month_only += 1
                self.examples.setdefault("month", text)

    @property
    def decided(self) -> Order | None:
        """The one order that the dates leave; None where they leave both, or contradict each other."""
        if bool(self.day_only) == bool(self.month_only):
            return None
        return "day" if self.day_only else "month"

    @property
    def is_contradictory(self) -> bool:
        """Whether some dates can only have the day first, and others only the month."""
        return bool(self.day_only and self.month_only)


def find_order(formats: Sequence[str]) -> Order | None:
    """The order of day and month in formats of three numbers; None without such a format, or with both orders."""
    orders: set[Order] = set()
    for form in formats:
        if "%d" in form and "%m" in form and not form.startswith("%Y"):
            orders.add("day" if form.index("%d") < form.index("%m") else "month")
    return orders.pop() if len(orders) == 1 else None


def swap_order(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats with day and month in the other order, where both are numbers and the year does not come first."""
    return tuple(
        re.sub("%[dm]", lambda part: _SWAPPED[part[0]], form)
        if "%d" in form and "%m" in form and not form.startswith("%Y")
        else form
        for form in formats
    )


def require_free_order(name: str, profile: SourceProfile, orders: DateOrders) -> Times:
    """The profile's rules with day and month in the other order; DataError if the profile fixes their order."""
    if profile.time.order == "file":
        return replace(profile.time, formats=swap_order(profile.time.formats))
    right: Order = orders.decided or "day"
    wrong = "month" if right == "day" else "day"
    raise DataError(
        "The dates of a file have the order of day and month that its source profile names",
        f"{profile.name} has the {wrong} first, and {name} has {orders.examples[right]!r}",
        'change time.formats in the source profile, or set time.order = "file"',
    )


def describe_order(name: str, orders: DateOrders, order: Order | None) -> tuple[str, ...]:
    """What the dates of a file say of their order, as a sentence; nothing where they agree with the profile's order."""
    if order is None:
        return ()
    if orders.is_contradictory:
        day, month = orders.examples["day"], orders.examples["month"]
        return (f"{name}: dates contradict each other ({day} and {month}); they are read {order} first",)
    if orders.decided not in {None, order}:
        number = format_plural(orders.month_only + orders.day_only, "date", "different dates")
        return (f"{name}: dates are read {orders.decided} first, because {number} can be nothing else",)
    if orders.decided is None and orders.either:
        return (f"{name}: dates are read {order} first; none of them shows whether that is right",)
    return ()

"""What a whole file shows of how it is to be read: the order of its dates, dates that are numbers, its coordinates."""

from dataclasses import dataclass, replace

from hexbeat.ingest.parsing.date_numbers import NUMBER_FORMATS, DateNumbers, describe_number_format
from hexbeat.ingest.parsing.date_order import describe_order, find_order, require_free_order
from hexbeat.ingest.parsing.place_columns import Reading, choose_reading
from hexbeat.ingest.parsing.rows import RowReader
from hexbeat.ingest.parsing.start_precision import settle_precision
from hexbeat.ingest.sources import SourceProfile
from layers.wording import format_date

__all__ = ["Conventions", "settle_conventions"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a file is to be read: its profile, how its columns of the place are read, and sentences on that.

    `are_other`: the file was first read in another way, so it has to be read again.
    """

    profile: SourceProfile
    reading: Reading
    remarks: tuple[str, ...]
    are_other: bool
    likely_cause: str | None  # a hint, if most rows are rejected for it


def settle_conventions(name: str, reader: RowReader, *, area: str) -> Conventions:
    """Decide from a file that was read once; `area` is what people call the area.

    DataError if the file contradicts itself or its profile.
    """
    profile = reader.profile
    order = find_order(profile.time.formats)
    times = profile.time
    if order is not None and reader.orders.decided not in {None, order}:
        times = require_free_order(name, profile, reader.orders)
    remarks = describe_order(name, reader.orders, order)
    number_format = _choose_number_format(profile, reader.numbers)
    if number_format is not None:
        times = replace(times, formats=(*times.formats, number_format))
        if reader.numbers.are_days:
            times = replace(times, precision="day", zone_in_text=False)
        remarks = (*remarks, _describe_numbers(name, reader.numbers, number_format))
    times, precision_remarks = settle_precision(
        name, profile, times, reader.precision, is_stated=reader.plan.precision is not None
    )
    reading, place_remarks = choose_reading(name, reader.places, area=area, wider_region=profile.wider_region)
    are_other = times != profile.time or reading != "as named"
    edge_remarks = reader.edge.describe(name, area, counted=profile.location.coast_m > 0, silent=profile.wider_region)
    remarks = (*remarks, *precision_remarks, *place_remarks, *edge_remarks)
    likely_cause = reader.addresses.suggest_correction(area)
    if likely_cause is None and 2 * reader.edge.beaches >= reader.places.rows:
        likely_cause = reader.edge.suggest_tolerance(area)
    return Conventions(replace(profile, time=times), reading, remarks, are_other, likely_cause)


def _choose_number_format(profile: SourceProfile, numbers: DateNumbers) -> str | None:
    """The format of dates that are numbers, where the profile leaves it to the file."""
    if profile.time.order != "file" or set(profile.time.formats) & set(NUMBER_FORMATS):
        return None
    return numbers.decided


def _describe_numbers(name: str, numbers: DateNumbers, form: str) -> str:
    first, last = numbers.find_span(form)
    days = " and are known to the day" if numbers.are_days else ""
    span = f"they run from {format_date(first)} to {format_date(last)}{days}"
    return f"{name}: dates are numbers and are read as {describe_number_format(form)}; {span}"

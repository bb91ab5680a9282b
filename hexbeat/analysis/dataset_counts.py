"""Counts over a dataset: each file is counted by the code that counts the store, here or on the workers of Dask."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import chain
from typing import Any, Final, Literal, TypeVar, get_args

import numpy as np

from geo.calendar import Calendar, parse_month
from geo.errors import DataError, HexbeatError, UsageError
from geo.wards import Wards
from hexbeat.analysis.count_files import MARK
from hexbeat.store.dataset_parts import ALL_FIELDS, OpenDataset, join_columns, read_part, read_tally
from hexbeat.store.datasets import DatasetFile
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.counting import GroupedCounts, count_groups, select
from layers.coverage import Coverage, Spans
from layers.event import RESOLUTIONS
from layers.filters import COLUMN_FILTERS, DAYS, Filter
from layers.grouping import Group
from layers.periods import get_coverage

__all__ = ["ENGINES", "Engine", "Workers", "count_dataset", "describe_synthetic", "gather_columns"]

Engine = Literal["here", "dask"]
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
Result = TypeVar("Result")
_AT_ONCE: Final = 256  # answers that one task adds up
_WEEKDAYS: Final = {day: f"{place}" for place, day in enumerate(DAYS)}
_WITHIN_MONTHS: Final = frozenset[Group]({"week", "weekday", "hour"})
_GROUP_FIELDS: Final = {"category": "category", "reporter": "reported_by"}


@dataclass(frozen=True, slots=True)
class Workers:
    """What does the work: this process, one file after the other, or Dask; its `scheduler`, or threads here if ""."""

    engine: Engine = "here"
    scheduler: str = ""

    def run(
        self, work: Callable[[DatasetFile], Result], files: Sequence[DatasetFile], add: Callable[[list[Result]], Result]
    ) -> Result:
        """Do the work for each file, and add up the answers, some at a time; `add` takes an empty list too.

        UsageError if Dask is not installed or its scheduler does not answer. What the work raises is raised here.
        """
        if self.engine == "here":
            answers = list[Result]()
            for file in files:
                answers.append(work(file))
                answers = [add(answers)] if len(answers) == _AT_ONCE else answers
            return add(answers)
        return _run_on_dask(work, files, add, self.scheduler)


def count_dataset(
    dataset: OpenDataset,
    event_filter: Filter,
    workers: Workers,
    *,
    by: Sequence[Group],
    resolution: int,
    wards: Wards,
    time_zone: str,
) -> tuple[GroupedCounts, Columns]:
    """What `layers.counting.count_groups` answers for all events of the dataset, and columns of a few of them.

    These few are enough to say which days and hours of the filter are known (`layers.periods`). Sums of shares may
    differ from those of one machine in the last digit, because they are added up in another order.
    """
    fields = frozenset(
        [
            *(_GROUP_FIELDS[name] for name in by if name in _GROUP_FIELDS),
            *(column_filter.column for column_filter in COLUMN_FILTERS if column_filter.get_chosen(event_filter)),
            *(["quantity"] if event_filter.measure == "quantity" else []),
        ]
    )
    coverage = get_coverage(dataset.build_no_columns(), time_zone=time_zone, reported_by=event_filter.reported_by)
    question = _Question(
        dataset.address, event_filter, tuple(by), resolution, wards, time_zone, fields & ALL_FIELDS, coverage
    )
    files = dataset.list_files(event_filter.layers, start=event_filter.start, end=event_filter.end)
    start = _Part(count_groups(dataset.build_no_columns(), event_filter, by=by, resolution=resolution, wards=wards), ())
    part = workers.run(partial(_count_file, question=question), files, partial(_add_parts, none=start))
    return _sort_groups(part.counts), dataset.join(part.witnesses)


def gather_columns(dataset: OpenDataset, layers: Sequence[str], workers: Workers) -> Columns:
    """All events of these layers as columns of this process, for what compares cells with each other."""
    work = partial(_read_file, address=dataset.address, ward_codes=dataset.dataset.ward_codes)
    parts: tuple[Columns, ...] = workers.run(work, dataset.list_files(layers), _add_columns)
    return dataset.join(parts)


def describe_synthetic(dataset: OpenDataset) -> str | None:
    """The mark to show with what is counted, because all or some events are synthetic; None if none is."""
    events = sum(file.placed for file in dataset.files)
    synthetic = sum(file.synthetic for file in dataset.files)
    if not synthetic:
        return None
    return MARK if synthetic == events else f"{synthetic:,} of {events:,} events are synthetic, not real"


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is counted in each file."""

    address: str
    event_filter: Filter
    by: tuple[Group, ...]
    resolution: int
    wards: Wards
    time_zone: str
    fields: frozenset[str]
    coverage: Coverage


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The counts of some files, and a few of their events, which show what hours and days are known."""

    counts: GroupedCounts
    witnesses: tuple[Columns, ...]


def _read_file(file: DatasetFile, *, address: str, ward_codes: tuple[str, ...]) -> tuple[Columns, ...]:
    return (read_part(address, file, ward_codes, fields=ALL_FIELDS, resolutions=RESOLUTIONS),)


def _add_columns(parts: list[tuple[Columns, ...]]) -> tuple[Columns, ...]:
    return tuple(chain.from_iterable(parts))


def _count_file(file: DatasetFile, *, question: _Question) -> _Part:
    """The counts of one file: the same function that counts the store."""
    event_filter, size = question.event_filter, question.resolution
    sizes = (size,) if "cell" in question.by else ()
    read, event_filter = (
        (read_tally, replace(event_filter, measure="quantity"))
        if _is_whole(file, question)
        else (read_part, event_filter)
    )
    columns = read(question.address, file, question.coverage.ward_codes, fields=question.fields, resolutions=sizes)
    if not sizes:  # a resolution is asked for, and not used
        none = {size: np.zeros(len(columns), dtype=np.int32)}
        columns = replace(columns, cell=none, cell_ids={size: np.zeros(1, dtype=np.uint64)})
    counts = count_groups(
        columns, event_filter, by=question.by, resolution=size, wards=question.wards, time_zone=question.time_zone
    )
    if event_filter.hours is None:
        return _Part(counts, ())
    known = _find_known(question.coverage, event_filter, file.layer)
    return _Part(counts, tuple(_take_witnesses(columns, event_filter, known, time_zone=question.time_zone)))


def _is_whole(file: DatasetFile, question: _Question) -> bool:
    """Whether each event of a file counts once, whatever its time: it lies in one month, and the question takes it all.

    Then equal events are counted together, which is many times quicker.
    """
    event_filter, calendar = question.event_filter, Calendar(question.time_zone)
    low, high = calendar.month_bounds(parse_month(file.month))
    return (
        find_layer(file.layer).kind == "incident"
        and low <= file.first <= file.last <= high
        and event_filter.hours is None
        and not event_filter.days
        and not _WITHIN_MONTHS.intersection(question.by)
        and (event_filter.start is None or calendar.day_start(event_filter.start) <= low)
        and (event_filter.end is None or calendar.day_start(event_filter.end) >= high)
    )


def _find_known(coverage: Coverage, event_filter: Filter, layer: str) -> Spans:
    reach = coverage.find_reach(layer, wards=event_filter.wards)
    first, end = event_filter.start or (reach and reach[0]), event_filter.end or (reach and reach[1])
    return coverage.find_known_in(layer, (first, end), wards=event_filter.wards) if first and end else ()


def _take_witnesses(columns: Columns, event_filter: Filter, known: Spans, *, time_zone: str) -> Iterable[Columns]:
    """A few events that show whether there are hours on record (`layers.counting.lacks_hours`).

    Of each known span one that the hours select, one whose hour is not known, and one of each half of the day.
    """
    witnesses: list[int] = []
    for start, end in known:
        span = replace(event_filter, start=start, end=end)
        halves = [replace(span, hours=hours) for hours in ((0, 12), (12, 24))]
        selections = [select(columns, part, time_zone=time_zone) for part in (span, *halves)]
        witnesses += [int(selection.index[0]) for selection in selections if len(selection.index)]
        if selections[0].unplaced_in_time:
            anytime = select(columns, replace(span, hours=None, days=frozenset()), time_zone=time_zone)
            witnesses += anytime.index[columns.precision[anytime.index] > 0][:1].tolist()
    if witnesses:
        witness_columns = columns.take(np.unique(np.array(witnesses)))
        yield replace(witness_columns, cell={}, cell_ids={})


def _add_parts(parts: list[_Part], *, none: _Part) -> _Part:
    """Add up the counts of parts by their labels."""
    filled = [part for part in parts if len(part.counts.sums)] or [none]
    names = list(none.counts.labels)
    places: dict[tuple[object, ...], int] = {}
    index = [
        places.setdefault(group, len(places))
        for part in filled
        for group in zip(*(part.counts.labels[name] for name in names), strict=True)
    ]  # fmt: skip
    sums = np.bincount(
        np.array(index, dtype=np.int64), np.concatenate([part.counts.sums for part in filled]), minlength=len(places)
    )
    columns = zip(*places, strict=True) if places else [() for _ in names]
    labels: dict[str, Sequence[object]] = dict(zip(names, map(list, columns), strict=True))
    counts = GroupedCounts(
        total=sum(part.counts.total for part in parts),
        unplaced_in_time=sum(part.counts.unplaced_in_time for part in parts),
        shared_in_time=sum(part.counts.shared_in_time for part in parts),
        labels=labels,
        sums=sums.astype(np.float64),
    )
    witnesses = tuple(chain.from_iterable(part.witnesses for part in parts))
    kept_witnesses = (join_columns(witnesses),) if len(witnesses) > _AT_ONCE else witnesses
    return _Part(counts, kept_witnesses)


def _sort_groups(counts: GroupedCounts) -> GroupedCounts:
    """The groups in the order of their labels, as `count_groups` gives them."""
    ranks = [[_rank_label(name, label) for label in labels] for name, labels in counts.labels.items()]
    keys = list(zip(*ranks, strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    labels: dict[str, Sequence[object]] = {
        name: [values[place] for place in order] for name, values in counts.labels.items()
    }
    return replace(counts, labels=labels, sums=counts.sums[order] if order else counts.sums)


def _rank_label(name: str, label: Any) -> Any:
    """What a label of a column sorts by: weekdays follow each other, and an hour that is not known comes first."""
    if name == "hour":
        return -1 if label == "" else label
    return _WEEKDAYS.get(label, "") if name == "weekday" else label


def _run_on_dask(
    work: Callable[[DatasetFile], Result],
    files: Sequence[DatasetFile],
    add: Callable[[list[Result]], Result],
    scheduler: str,
) -> Result:
    try:
        dask = import_module("dask")  # an extra, which most installations do not have
    except ImportError as error:
        raise UsageError(
            "The engine dask needs the package of that name",
            "it is not installed",
            "install Hexbeat with its extra dask",
        ) from error
    tasks = [dask.delayed(work)(file) for file in files] or [dask.delayed(add)([])]
    while len(tasks) > 1:
        groups = [tasks[first : first + _AT_ONCE] for first in range(0, len(tasks), _AT_ONCE)]
        tasks = [dask.delayed(add)(group) for group in groups]
    if not scheduler:
        answer: Result = _get(lambda: tasks[0].compute(scheduler="threads"))
        return answer
    try:
        client = import_module("distributed").Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            "A scheduler is the address of one that runs, as tcp://127.0.0.1:8786",
            "nothing answers there that this Dask can speak to",
            "start one with `dask scheduler`, or leave out --scheduler",
        ) from error
    with client:
        result: Result = _get(lambda: client.compute(tasks[0]).result())
    return result


def _get(compute: Callable[[], Result]) -> Result:
    """The answer of Dask; DataError where a worker has died or is not as this program."""
    try:
        return compute()
    except HexbeatError:
        raise
    except Exception as error:  # whatever a worker raises, of packages that it alone has
        raise DataError(
            "The workers of Dask need this version of Hexbeat, and to reach the dataset",
            f"one of them failed ({type(error).__name__})",
            "look at the log of the workers",
        ) from error

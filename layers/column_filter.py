"""A filter by one column of the events: all that is particular to it, as one object."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from layers.catalogue import LAYER_NAMES
from layers.columns import Columns
from layers.wording import format_list

__all__ = ["ColumnFilter", "Section", "Widget"]

Widget = Literal["pills", "multiselect"]  # pills for a few fixed values, a list to search for the records' own words
Section = Literal["what", "how"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFilter:
    """One filter: its test on the columns, its option, its query parameter, its widget and its English.

    `field` is the field of ColumnChoices with the chosen values, `column` the field of Columns with the codes. A code
    is an index into `known`, the fixed values. Where the values are the records' own words, `known` is empty, and a
    code is an index into the field of Columns that `table` names.
    """

    field: str
    column: str
    known: tuple[str, ...] = ()
    table: str = ""

    option: str  # of commands, repeatable: "--reported-by"
    metavar: str
    help: str

    query: str  # parameter of links
    link_noun: str  # in "The link names a … that is not known here"

    widget: Widget
    section: Section  # of the filters on the Map page
    title: str  # over the widget
    hint: str
    titles: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # of values in the widget; their names where there is none

    noun: str  # one value: "reporter"
    topic: str  # in "the chosen period does not apply, nor does …"
    lead: str  # how the clause begins: "reported by"
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of values in the clause
    conjunction: Literal["and", "or"] = "and"
    in_brackets: bool = False  # the clause stands in brackets

    def get_chosen(self, choices: object) -> tuple[str, ...]:
        """The chosen values among ColumnChoices; empty for all."""
        values: tuple[str, ...] = getattr(choices, self.field)
        return values

    def get_names(self, columns: Columns) -> tuple[str, ...]:
        """The values that the codes of the columns stand for."""
        names: tuple[str, ...] = self.known or getattr(columns, self.table)
        return names

    def get_codes(self, columns: Columns) -> NDArray[np.integer]:
        """The code of each event (n,)."""
        codes: NDArray[np.integer] = getattr(columns, self.column)
        return codes

    def find_values(self, columns: Columns, layers: Sequence[str] = ()) -> tuple[str, ...]:
        """The values to choose from: all fixed ones, or those in records of these layers (no layers: of all)."""
        if self.known:
            return self.known
        codes = self.get_codes(columns)
        if layers:
            is_chosen = np.isin(np.arange(len(LAYER_NAMES)), [LAYER_NAMES.index(name) for name in layers])
            codes = codes[is_chosen[columns.layer]]
        names = self.get_names(columns)
        present = np.bincount(codes, minlength=len(names)) > 0
        return tuple(name for name, is_present in zip(names, present.tolist(), strict=True) if is_present and name)

    def describe(self, values: Sequence[str]) -> str:
        """The clause, as in "reported by officers and sweeps"; empty for no values."""
        ordered = [value for value in self.known or values if value in values]
        words = format_list(
            [self.words.get(value, self.quote(value)) for value in ordered], conjunction=self.conjunction
        )
        return f"{self.lead} {words}" if values else ""

    def quote(self, value: str) -> str:
        """The value as it can stand in a list with commas: in quotes if it has a comma itself."""
        return f"“{value}”" if "," in value else value

    def format_query(self, values: Sequence[str]) -> str:
        """The values as a link holds them, with commas between them; a comma within a value is escaped."""
        return ",".join(value.replace("%", "%25").replace(",", "%2C") for value in values)

    def parse_query(self, text: str) -> list[str]:
        """The values that a link holds. They may be unknown: the caller must check them."""
        return [unquote(part) for part in map(str.strip, text.split(",")) if part]

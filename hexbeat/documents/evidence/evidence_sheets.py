"""An evidence pack as a workbook: its facts, records, months and sources, and the content for a later check."""

import datetime as dt
import io
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from geo.lazy_modules import import_lazily
from hexbeat.documents.evidence.evidence_document import (
    MARKING,
    build_fact_rows,
    build_month_table,
    format_incident,
    format_source,
)
from hexbeat.documents.plan.plan_tables import WORKBOOK_OPTIONS, write_facts, write_sheet
from hexbeat.files import escape_formula
from hexbeat.reports.evidence import encode_canonical, hash_content
from layers.catalogue import find_layer

if TYPE_CHECKING:
    import xlsxwriter
else:
    xlsxwriter = import_lazily("xlsxwriter")

__all__ = ["CONTENT_SHEET", "SOURCE_COLUMNS", "build_evidence_xlsx", "split_text"]

CONTENT_SHEET: Final = "Content"
CELL: Final = 30_000  # letters; a cell of Excel holds 32,767
SOURCE_COLUMNS: Final = (
    "Source", "Layer", "Used, of all", "Newest record", "Rows rejected", "Without time of day", "At shared points",
)  # fmt: skip


def build_evidence_xlsx(content: dict[str, Any]) -> bytes:
    """The workbook; the same bytes for the same content. No text in it can run as a formula."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, WORKBOOK_OPTIONS) as book:
        made_at = dt.datetime.fromisoformat(content["made_at"]).astimezone(dt.UTC).replace(tzinfo=None)
        book.set_properties({"title": "Incidents recorded near a place", "created": made_at})
        write_facts(book, "Pack", build_pack_facts(content))
        write_sheet(book, "Records", build_record_table(content))
        months = ["month", *(find_layer(name).title for name in content["layers"])]
        write_sheet(book, "Months", pd.DataFrame(build_month_table(content), columns=months))
        sources = [format_source(row) for row in content["sources"]]
        write_sheet(book, "Sources", pd.DataFrame(sources, columns=list(SOURCE_COLUMNS)))
        text = encode_canonical(content).decode()
        sheet = book.add_worksheet(CONTENT_SHEET)
        for line, part in enumerate(split_text(text, CELL)):
            sheet.write_string(line, 0, part)
    return buffer.getvalue()


def split_text(text: str, most: int) -> list[str]:
    """The text in parts of `most` letters or fewer, none of which begins as a formula; joined, they are the text.

    A run of more than `most` formula marks is cut all the same.
    """
    parts, start = [], 0
    while start < len(text):
        ends = range(min(start + most, len(text)), start, -1)
        end = next((end for end in ends if escape_formula(text[end : end + most]) == text[end : end + most]), ends[0])
        parts.append(text[start:end])
        start = end
    return parts


def build_pack_facts(content: dict[str, Any]) -> list[tuple[str, str]]:
    """The first sheet."""
    mark = [("Demonstration", content["demonstration"])] if content["demonstration"] else []
    return [
        ("Marking", MARKING),
        *mark,
        *build_fact_rows(content),
        *(("Know before", caveat) for caveat in content["caveats"]),
        ("SHA-256 of the content", hash_content(content)),
        ("To verify", "hexbeat evidence --check FILE"),
        ("Wards", content["attribution"]),
    ]


def build_record_table(content: dict[str, Any]) -> pd.DataFrame:
    """A row a record, with its point and its times."""
    rows = [
        {
            "no": row["number"],
            "when": row["when"],
            "layer": find_layer(row["layer"]).title,
            "what": format_incident(row)["what"],
            "distance m": row["distance_m"],
            "side": row["side"],
            "lon": row["lon"],
            "lat": row["lat"],
            "from (UTC)": row["from"],
            "to (UTC)": row["to"],
            "known to the": row["precision"],
            "caution": format_incident(row)["doubts"],
            "quantity": row["quantity"],
            "reported by": row["reported_by"],
            "source": row["source"],
            "number in source": row["source_id"],
            **({"note": row["note"]} if "note" in row else {}),
        }
        for row in content["incidents"]
    ]
    return pd.DataFrame(rows)

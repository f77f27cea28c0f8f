"""The rows of a view as a file or as text for the clipboard: what is shown, and the raw numbers beside it.

CSV cells cannot become formulas; JSON keeps what is unknown as null.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fedstore import replace_text
from fedtop.format import clean, csv_cell
from fedtop.state import ViewState, window_of
from fedtop.widgets.table_model import Column, Row, plain

if TYPE_CHECKING:
    from pathlib import Path

    from fedtop.views.panel import AnyPanel
    from fedtop.widgets.live_table import LiveTable

__all__ = ["copy_of", "csv_rows", "json_rows", "write_view"]


def copy_of(table: LiveTable | None) -> str:
    """The row under the cursor, its cells separated by tabs; empty without one."""
    if table is None or table.cursor_key is None:
        return ""
    row = table.model.rows[table.cursor_key]
    return "\t".join(clean(plain(row.cells.get(column.key))).strip() for column in table.columns)


def write_view(folder: Path, panel: AnyPanel, table: LiveTable, view: ViewState, now_ms: int, form: str) -> Path:
    """Writes the visible rows as `csv` or `json`; returns the path. Raises FedstoreError."""
    stamp = f"{datetime.fromtimestamp(now_ms / 1000, panel.tz):%Y%m%d-%H%M%S}"
    path = folder / f"fedtop-{panel.panel_id}-{stamp}.{form}"
    rows = [table.model.rows[key] for key in table.model.order]
    if form == "csv":
        out = io.StringIO()
        csv.writer(out).writerows(csv_rows(table.columns, rows))
        text = out.getvalue()
    else:
        body = {**_about(panel, view, now_ms), "rows": json_rows(table.columns, rows)}
        text = json.dumps(body, ensure_ascii=False, indent=2) + "\n"
    replace_text(path, text, make_folder=True)
    return path.resolve()


def _about(panel: AnyPanel, view: ViewState, now_ms: int) -> dict[str, Any]:
    window = window_of(view, now_ms)
    return {
        "view": panel.panel_id,
        "title": clean(panel.title),
        "window": {"label": window.label, "start": _iso(window.start_ms), "end": _iso(window.end_ms)},
        "taken_at": _iso(now_ms),
        "filter": view.filter_of(panel.panel_id),
    }


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _numeric(columns: tuple[Column, ...], rows: list[Row]) -> set[str]:
    """The columns that have a raw number in some row."""
    return {c.key for c in columns if any(isinstance(row.sort.get(c.key), int | float) for row in rows)}


def csv_rows(columns: tuple[Column, ...], rows: list[Row]) -> list[list[str]]:
    """A header line, then a line per row; a column with raw numbers is followed by them."""
    numeric = _numeric(columns, rows)
    head: list[str] = []
    for column in columns:
        head += [column.label or column.key, f"{column.label or column.key} (raw)"][: 1 + (column.key in numeric)]
    return [[csv_cell(label) for label in head], *(_csv_row(columns, numeric, row) for row in rows)]


def _csv_row(columns: tuple[Column, ...], numeric: set[str], row: Row) -> list[str]:
    line: list[str] = []
    for column in columns:
        line.append(csv_cell(clean(plain(row.cells.get(column.key))).strip()))
        if column.key in numeric:
            line.append(csv_cell(row.sort.get(column.key)))
    return line


def json_rows(columns: tuple[Column, ...], rows: list[Row]) -> list[dict[str, Any]]:
    """A mapping per row: its key, what each column shows, and under `raw` the values it sorts by."""
    return [
        {
            "key": row.key,
            **{column.key: clean(plain(row.cells.get(column.key))).strip() for column in columns},
            "raw": dict(row.sort),
        }
        for row in rows
    ]

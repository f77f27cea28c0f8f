"""The rows of a table as a file or as text for the clipboard: plain names, raw values, what is not known left empty.

A name ends in its unit, a time is in epoch milliseconds, a rate comes with the ends of its interval and its n; no
glyph and no drawing goes out. CSV cells cannot become formulas; JSON has null. The pane and `fedtop export csv` write
the same.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fedstore import replace_text
from fedtop.sanitize import clean, csv_cell
from fedtop.state import ViewState, window_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fedtop.views.panel import AnyPanel
    from fedtop.widgets.live_table import LiveTable
    from fedtop.widgets.table_model import Record

__all__ = ["copy_of", "csv_text", "records_of", "write_view"]


def csv_text(names: Sequence[str], records: Iterable[Record]) -> str:
    """A line of names, then a line per record; what is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in names])
    writer.writerows([csv_cell(record.get(name)) for name in names] for record in records)
    return out.getvalue()


def records_of(table: LiveTable) -> list[Record]:
    """The raw values of the rows in sight, in their order."""
    return [record for key in table.model.order for record in table.model.source(key).records()]


def copy_of(table: LiveTable | None) -> str:
    """The row under the cursor in words and figures, separated by tabs; empty without one."""
    if table is None or table.cursor_key is None:
        return ""
    source = table.model.source(table.cursor_key)
    return "\t".join(source.text(column.key) for column in table.columns if column.width)


def write_view(folder: Path, panel: AnyPanel, table: LiveTable, view: ViewState, now_ms: int, form: str) -> Path:
    """Writes the rows in sight as `csv` or `json`; returns the path. Raises FedstoreError."""
    stamp = f"{datetime.fromtimestamp(now_ms / 1000, panel.tz):%Y%m%d-%H%M%S}"
    path = folder / f"fedtop-{panel.panel_id}-{stamp}.{form}"
    records = records_of(table)
    if form == "csv":
        text = csv_text(table.names, records)
    else:
        body = {**_about(panel, view, now_ms), "rows": records}
        text = json.dumps(body, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    replace_text(path, text, make_folder=True)
    return path.resolve()


def _about(panel: AnyPanel, view: ViewState, now_ms: int) -> dict[str, str | dict[str, str]]:
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

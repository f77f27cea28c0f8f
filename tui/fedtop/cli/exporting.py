"""The command export: what is known as JSON, CSV, metrics.json or a routing log, to a file or stdout.

CSV cells that a spreadsheet would take for a formula are written as text. A file appears whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import click

from fedtop.about import About
from fedtop.cli.common import get_settings, now_ms, open_store, window_of
from fedtop.cli.main import Failure
from fedtop.cli.notice import notice_for
from fedtop.cli.options import SET_WINDOW, View, store_option, window_options
from fedtop.cli.output import DERIVED, look_for, plain_fields
from fedtop.plain.page import did_something

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Reader, Store, Window
    from fedstore.queries.models import Topic
    from fedtop.cli.notice import Notice

__all__ = ["export"]

FORMS = ("json", "csv", "metrics", "routing")
TABLES = ("agents", "task-types", "layers", "costs", "tools", "runs")
_TOPICS: dict[str, Topic] = {
    "agents": "agent", "task-types": "task_type", "layers": "layer", "costs": "spend", "tools": "tool", "runs": "agent",
}  # fmt: skip
RUNS_LIMIT = 100_000
_PAIRS = ("interval", "bound")


@click.command()
@click.argument("form", type=click.Choice(FORMS), default="json", metavar="[json|csv|metrics|routing]")
@click.option("--table", type=click.Choice(TABLES), default="agents", show_default=True, help="Which rows, for csv.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="PATH",
              help="A file, or for metrics a folder that gets metrics-{timestamp}.json [stdout].")  # fmt: skip
@store_option
@window_options(SET_WINDOW)
def export(
    *, form: str, table: str, output: Path | None, store: Path | None, window: str | None, at: str | None
) -> None:
    """Write what the store knows about the window.

    \b
    json     every view in one document
    csv      one table, a row per name
    metrics  metrics.json, as routers of the federation read it
    routing  the routing decisions, one JSON line each, as a routing log
    """
    from fedstore import replace_text

    settings = get_settings(store=store, window=window)
    with open_store(settings, readonly=True) as opened:
        about = About(_topic(form, table))
        wanted = window_of(opened.reader(), settings.window, at, about)
        text, found = _text(opened, wanted, form, table)
        _tell_where(notice_for(opened.reader(), wanted, about).unless(found))
    if output is None:
        click.echo(text, nl=False)
        return
    if form == "metrics" and (output.is_dir() or not (output.suffix or output.exists())):
        output = _new_in(output)
    replace_text(output, text)
    click.echo(f"Exported to {output}")


def _topic(form: str, table: str) -> Topic:
    """What ``--at newest`` means: the newest of what is written."""
    if form == "csv":
        return _TOPICS[table]
    return "layer" if form == "routing" else "any"


def _tell_where(notice: Notice) -> None:
    """Say on stderr that all that could be written lies elsewhere."""
    if notice.code in ("before-window", "after-window"):
        Failure(str(notice.text(look_for(View())))).show()


def _text(store: Store, window: Window, form: str, table: str) -> tuple[str, bool]:
    """What is to be written, and whether it tells of anything in the window."""
    reader = store.reader()
    if form == "csv":
        return _csv(reader, window, table)
    if form == "metrics":
        from fedstore import export_policy

        return export_policy(store, "metrics"), True  # of all time
    if form == "routing":
        from fedstore import write_routing_log

        out = io.StringIO()
        write_routing_log(store.database, window, out)
        return out.getvalue(), out.tell() > 0
    agents, cascade, tools = reader.agents(window), reader.cascade(window), reader.tools(window)
    views = {
        "overview": reader.overview(window), "agents": agents, "cascade": cascade, "costs": reader.costs(window),
        "tools": tools,
    }  # fmt: skip
    text = json.dumps({"exported_ms": now_ms(), **plain_fields(views)}, indent=2, allow_nan=False) + "\n"
    return text, bool(did_something(*agents.rows) or cascade.routes or tools.rows)


def _new_in(folder: Path) -> Path:
    from fedstore import export_path

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{folder} cannot be made: {error.strerror}") from error
    return export_path(folder, now_ms())


# --- CSV ----------------------------------------------------------------------------------------------------------


def _csv(reader: Reader, window: Window, table: str) -> tuple[str, bool]:
    from fedtop.sanitize import csv_cell

    head, rows = _rows(reader, window, table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue(), bool(rows)


def _rows(reader: Reader, window: Window, table: str) -> tuple[Sequence[str], list[list[Any]]]:
    from fedstore.queries.models import AgentRow, CostRow, LayerRow, MatrixCell, RunRow, ToolRow

    if table == "runs":
        return _table(RunRow, reader.runs(window, limit=RUNS_LIMIT))
    if table == "costs":
        return _table(CostRow, reader.costs(window).rows)
    if table == "tools":
        return _table(ToolRow, reader.tools(window).rows)
    if table == "layers":
        return _table(LayerRow, reader.cascade(window).layers)
    view = reader.agents(window)
    return _table(MatrixCell, view.cells) if table == "task-types" else _table(AgentRow, view.rows)


def _table(kind: type, rows: Sequence[Any]) -> tuple[Sequence[str], list[list[Any]]]:
    """Flat columns, the same whatever the rows hold."""
    head = _head(kind)
    return head, [[row.get(name) for name in head] for row in (_flat(plain_fields(row)) for row in rows)]


def _head(kind: type) -> list[str]:
    """What a field is made of becomes ``field_part``, an interval its two ends; what is a list is left out."""
    found: list[str] = []
    hints = get_type_hints(kind)
    for name in (*(field.name for field in fields(kind)), *DERIVED.get(kind.__name__, ())):
        hint = hints.get(name)
        parts = [part for part in (hint, *get_args(hint)) if isinstance(part, type) and is_dataclass(part)]
        if name in _PAIRS:
            found += [f"{name}_low", f"{name}_high"]
        elif get_origin(hint) is tuple:
            continue
        elif parts:
            found += [f"{name}_{part}" for part in _head(parts[0])]
        else:
            found.append(name)
    return found


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found.update({f"{name}_{part}": inner for part, inner in _flat(value).items()})
        elif name in _PAIRS:
            low, high = value or (None, None)
            found.update({f"{name}_low": low, f"{name}_high": high})
        elif not isinstance(value, list):
            found[name] = value
    return found

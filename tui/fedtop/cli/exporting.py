"""The command export: what is known as JSON, CSV, metrics.json or a routing log, to a file or stdout.

CSV cells that a spreadsheet would take for a formula are written as text. A file appears whole or not at all.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedtop.about import About
from fedtop.cli.common import get_settings, now_ms, open_store, window_of
from fedtop.cli.main import Failure
from fedtop.cli.notice import notice_for
from fedtop.cli.options import SET_WINDOW, View, store_option, window_options
from fedtop.cli.output import look_for, plain_fields
from fedtop.plain.page import did_something
from fedtop.saying import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedstore import Store, Window
    from fedstore.queries.models import Topic
    from fedtop.cli.notice import Notice
    from fedtop.fields import Export
    from fedtop.views.agents.columns import Boosts

__all__ = ["export", "schema"]

FORMS = ("json", "csv", "metrics", "routing", "training")
TABLES = ("agents", "task-types", "layers", "costs", "tools", "runs", "decisions", "executions")
_TOPICS: dict[str, Topic] = {
    "agents": "agent", "task-types": "task_type", "layers": "layer", "costs": "spend", "tools": "tool", "runs": "agent",
    "decisions": "layer", "executions": "tool",
}  # fmt: skip
ROWS_LIMIT = 100_000


@click.command()
@click.argument("form", type=click.Choice(FORMS), default="json", metavar="[json|csv|metrics|routing|training]")
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
    training graded decisions as examples to learn from: text where it was kept, outcome, feedback
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
    click.echo(f"Exported to {printable(str(output))}")


def _topic(form: str, table: str) -> Topic:
    """What ``--at newest`` means: the newest of what is written."""
    if form == "csv":
        return _TOPICS[table]
    return "layer" if form in ("routing", "training") else "any"


def _tell_where(notice: Notice) -> None:
    """Say on stderr that all that could be written lies elsewhere."""
    if notice.code in ("before-window", "after-window"):
        Failure(str(notice.text(look_for(View())))).show()


def _text(store: Store, window: Window, form: str, table: str) -> tuple[str, bool]:
    """What is to be written, and whether it tells of anything in the window."""
    reader = store.reader()
    if form == "csv":
        return _csv(store, window, table)
    if form == "metrics":
        from fedstore import export_policy

        return export_policy(store, "metrics"), True  # of all time
    if form in ("routing", "training"):
        from fedstore import write_routing_log, write_training

        out = io.StringIO()
        (write_routing_log if form == "routing" else write_training)(store.database, window, out)
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


def _csv(store: Store, window: Window, table: str) -> tuple[str, bool]:
    """A table as the pane exports it, whatever it shows of that."""
    from fedtop.export import csv_text

    names, records = _TABLES[table](store, window)
    return csv_text(names, records), bool(records)


def _agents(store: Store, window: Window) -> Export:
    from fedtop.views.agents.columns import AGENTS, agent_lines

    view = store.reader().agents(window)
    return AGENTS.export(agent_lines(view.rows, _boosts(store), live=window.live))


def _task_types(store: Store, window: Window) -> Export:
    from fedtop.views.agents.columns import MATRIX, pair_lines

    return MATRIX.export(pair_lines(store.reader().agents(window).cells, _boosts(store)))


def _boosts(store: Store) -> Boosts:
    from fedstore import boost_outlook
    from fedtop.views.agents.columns import Boosts

    return Boosts.of_policy(store.reader().policy().boosts).with_outlook(boost_outlook(store))


def _layers(store: Store, window: Window) -> Export:
    from fedtop.views.cascade.columns import LAYERS

    return LAYERS.export(store.reader().cascade(window).layers)


def _costs(store: Store, window: Window) -> Export:
    from fedtop.views.costs.columns import COSTS, cost_lines

    view = store.reader().costs(window)
    return COSTS[view.dimension].export(cost_lines(view))


def _tools(store: Store, window: Window) -> Export:
    from fedtop.views.tools.columns import TOOLS

    return TOOLS.export(store.reader().tools(window).rows)


def _runs(store: Store, window: Window) -> Export:
    from fedtop.views.runs.columns import RUNS

    return RUNS.export(store.reader().runs(window, limit=ROWS_LIMIT))


def _decisions(store: Store, window: Window) -> Export:
    from fedtop.views.cascade.columns import DECISIONS

    return DECISIONS.export(store.reader().decisions(window, limit=ROWS_LIMIT))


def _executions(store: Store, window: Window) -> Export:
    from fedtop.views.tools.columns import CALLS

    return CALLS.export(store.reader().executions(window, limit=ROWS_LIMIT))


@click.command()
@click.argument("what", type=click.Choice(("routing", "events")), default="routing", metavar="[routing|events]")
def schema(*, what: str) -> None:
    """Print the JSON schema of a line that is read: of a routing log, or of an event of any kind."""
    from fedstore import event_schema, routing_schema

    click.echo(json.dumps(routing_schema() if what == "routing" else event_schema(), indent=2))


_TABLES: dict[str, Callable[[Store, Window], Export]] = {
    "agents": _agents, "task-types": _task_types, "layers": _layers, "costs": _costs, "tools": _tools, "runs": _runs,
    "decisions": _decisions, "executions": _executions,
}  # fmt: skip

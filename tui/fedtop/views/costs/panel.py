"""The costs tab: what it costs now, today and this month, over time by model, and who spends it.

`d` turns the table to the next dimension. Enter narrows everything to one name, as a filter does to those that match
it; Esc widens it again. Tiles, chart and totals say of what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from fedtop.format import clean, money
from fedtop.tabs import tab_named
from fedtop.views.costs.columns import (
    COSTS,
    DIMENSION_LABELS,
    DIMENSIONS,
    NAME_CELLS,
    NOT_SAID,
    cost_lines,
    next_dimension,
)
from fedtop.views.costs.parts import Selection, chart_note, spend_chart, table_note, tiles
from fedtop.views.how_to import HowTo
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import matches
from fedtop.widgets.tile import Tile

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import CostsView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["CostsPanel"]

TAB = tab_named("costs")

WAYS = (
    ("in an agent", 'Recorder().usage(agent="kimi", model="…", input_tokens=…, output_tokens=…)'),
    ("from transcripts", "fedtop import ~/.claude/projects"),
    ("from a shell", "fedtop record usage --help"),
)
TILES = (
    ("spent", "window"),
    ("today", "today"),
    ("month", "this month"),
    ("projected", "projected"),
    ("store", "store"),
)


@dataclass(frozen=True, slots=True)
class CostsData:
    """All spend by a dimension, and that of the names which a filter leaves (the same without one)."""

    every: CostsView
    chosen: CostsView
    selection: Selection


class CostsPanel(Panel[CostsData]):
    """See the module."""

    panel_id = TAB.id
    topic = TAB.topic
    title = TAB.label
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "dimension(1)", "dimension", id="costs.next", tooltip="Costs by the next dimension"),
        Binding(
            "D", "dimension(-1)", "previous dimension", id="costs.previous", show=False,
            tooltip="Costs by the previous dimension",
        ),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__(dimension=DIMENSIONS[0])

    def compose(self) -> ComposeResult:
        """Tiles, the chart, the table."""
        yield HowTo("No calls of a language model in this window.", WAYS)
        with Horizontal(id="costs-tiles"):
            for name, label in TILES:
                yield Tile(label, id=f"costs-{name}")
        chart = AreaChart(
            tz=self.tz,
            y_format=lambda nano: money(round(nano)),
            whole=False,
            empty="nothing with a known price in this window",
            id="costs-chart",
        )
        table = LiveTable(COSTS[DIMENSIONS[0]], empty="nothing spent", id="costs-table")
        with Vertical(id="costs-body"):
            yield Section("spend by model", chart, id="costs-over-time")
            yield Section("by model", table, id="costs-by")

    def read(self, reader: Reader, window: Window, args: Args) -> CostsData:
        """The costs by one dimension, and those of the names in it that the filter leaves."""
        dimension, text = args["dimension"], args.get("filter", "")
        every = reader.costs(window, dimension)
        if not text:
            return CostsData(every, every, Selection(dimension))
        lines = cost_lines(every)
        rows = COSTS[dimension].rows(lines, self.locale())
        names = tuple(line.row.name for line, row in zip(lines, rows, strict=True) if matches(row, text))
        return CostsData(every, reader.costs(window, dimension, names), Selection(dimension, text, names))

    def show(self, data: CostsData, view: ViewState) -> None:  # noqa: ARG002
        """Tiles, chart and table of the dimension asked for."""
        every, selection = data.every, data.selection
        if selection.dimension != self.args["dimension"]:
            return  # the answer to the dimension before
        self.set_class(not every.rows and not every.month.nano, "-nothing")
        for name, tile in tiles(data.chosen, selection).items():
            self.query_one(f"#costs-{name}", Tile).set_data(tile)
        self._show_table(data)
        self.query_one(AreaChart).set_data(spend_chart(data.chosen, every.models))
        over_time = self.query_one("#costs-over-time", Section)
        over_time.set_note(chart_note(data.chosen), f"spend{selection.of} by model")

    def _show_table(self, data: CostsData) -> None:
        table = self.query_one("#costs-table", LiveTable)
        costs, dimension = COSTS[data.every.dimension], data.every.dimension
        table.set_columns(costs.fields)
        table.set_rows(costs.rows(cost_lines(data.every), self.locale()))
        note = table_note(data.chosen, len(data.every.rows))
        self.query_one("#costs-by", Section).set_note(note, f"by {DIMENSION_LABELS[dimension]}")

    def apply_filter(self, text: str) -> None:
        """Filters the table, and asks for the figures of what it leaves."""
        super().apply_filter(text)
        if text != self.args.get("filter", ""):
            self.ask(filter=text or None)

    @property
    def covered(self) -> str:
        """Everything."""
        return "tiles, chart and table"

    def action_dimension(self, step: int) -> None:
        """Turns the table to another dimension; a filter of the old one goes."""
        self.host.filter_by("")
        self.ask(dimension=next_dimension(self.args["dimension"], step))

    @on(LiveTable.Selected, "#costs-table")
    def _narrow(self, event: LiveTable.Selected) -> None:
        event.stop()
        dimension, name = self.args["dimension"], event.key.strip("\x00")
        if dimension == "agent" and name:
            self.host.open_target(f"agent:{name}")
        else:
            self.host.filter_by(clean(name, NAME_CELLS) or NOT_SAID.format(DIMENSION_LABELS[dimension]))

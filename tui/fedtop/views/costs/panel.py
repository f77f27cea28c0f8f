"""The costs tab: what it costs now, today and this month, over time by model, and who spends it.

`d` turns the table to the next dimension. Enter narrows table and chart to one name; Esc widens them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from fedtop.format import clean, counted, money, tokens
from fedtop.tabs import tab_named
from fedtop.views.costs.columns import (
    COSTS,
    DIMENSION_LABELS,
    DIMENSIONS,
    NAME_CELLS,
    cost_lines,
    next_dimension,
)
from fedtop.views.costs.parts import chart_note, spend_chart, tiles
from fedtop.views.how_to import HowTo
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
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


class CostsPanel(Panel["CostsView"]):
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
        self._data: CostsView | None = None

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

    def read(self, reader: Reader, window: Window, args: Args) -> CostsView:
        """The costs by one dimension."""
        return reader.costs(window, args["dimension"])

    def show(self, data: CostsView, view: ViewState) -> None:
        """Tiles, chart and table of the dimension asked for."""
        if data.dimension != self.args["dimension"]:
            return  # the answer to the dimension before
        self._data = data
        self.set_class(not data.rows and not data.month.nano, "-nothing")
        for name, tile in tiles(data).items():
            self.query_one(f"#costs-{name}", Tile).set_data(tile)
        self._show_table(data)
        self._show_chart(view.filter_of(self.panel_id))

    def _show_table(self, data: CostsView) -> None:
        table = self.query_one("#costs-table", LiveTable)
        costs = COSTS[data.dimension]
        table.set_columns(costs.fields)
        table.set_rows(costs.rows(cost_lines(data), self.locale()))
        calls = sum(row.calls for row in data.rows)
        note = f"{counted(calls, 'call')}, {tokens(data.tokens)} tokens"
        self.query_one("#costs-by", Section).set_note(note, f"by {DIMENSION_LABELS[data.dimension]}")

    def _show_chart(self, text: str) -> None:
        """The spend over time; of one model when the filter names exactly that."""
        data = self._data
        if data is None:
            return
        models = {clean(name, NAME_CELLS): name for name in data.models} if data.dimension == "model" else {}
        only = models.get(text) if text else None
        self.query_one(AreaChart).set_data(spend_chart(data, only))
        title = "spend by model" if only is None else f"spend of {text}"
        self.query_one("#costs-over-time", Section).set_note(chart_note(data), title)

    def apply_filter(self, text: str) -> None:
        """Filters the table, and the chart when a model is named in full."""
        super().apply_filter(text)
        self._show_chart(text)

    def action_dimension(self, step: int) -> None:
        """Turns the table to another dimension; a filter of the old one goes."""
        self.host.filter_by("")
        self.ask(dimension=next_dimension(self.args["dimension"], step))

    @on(LiveTable.Selected, "#costs-table")
    def _narrow(self, event: LiveTable.Selected) -> None:
        event.stop()
        if self.args["dimension"] == "agent" and event.key.strip("\x00"):
            self.host.open_target(f"agent:{event.key}")
        else:
            self.host.filter_by(clean(event.key, NAME_CELLS))

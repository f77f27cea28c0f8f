"""The overview tab: the whole federation at a glance, and what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container, Horizontal

from fedstore import with_alarms
from fedtop.fields import KEY_GAP
from fedtop.format import counted, money
from fedtop.loop import LedgerReader
from fedtop.tabs import tab_named
from fedtop.values import span
from fedtop.views.agents.columns import BRIEF, Boosts, agent_lines, for_boosts
from fedtop.views.cascade.columns import FUNNEL
from fedtop.views.overview.columns import (
    ATTENTION,
    FEED,
    NOW,
    TYPES,
    attention_lines,
    by_urgency,
    type_lines,
)
from fedtop.views.overview.parts import TILE_IDS, spend_chart, throughput_chart, tiles
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.tile import Tile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import Overview
    from fedtop.state import ViewState
    from fedtop.views.panel import Args
    from fedtop.views.subject import SubjectKind

__all__ = ["OverviewData", "OverviewPanel"]

TAB = tab_named("overview")

_TITLES = {
    "tasks": "tasks",
    "success": "success",
    "now": "now",
    "duration": "duration p95",
    "cost": "cost today",
    "tokens": "tokens",
    "health": "health",
}


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What the tab shows."""

    overview: Overview
    boosts: Boosts


def _dollars(nano: float) -> str:
    return money(round(nano))


class OverviewPanel(Panel[OverviewData]):
    """Enter opens whatever is under the cursor: an agent, a layer, a task type, what an alarm is about."""

    panel_id = TAB.id
    topic = TAB.topic
    title = TAB.label
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"feed": "run"}

    def __init__(self) -> None:
        super().__init__()
        self._data: OverviewData | None = None
        self._ledger = LedgerReader()

    def compose(self) -> ComposeResult:
        """Tiles on top, then two columns (one on a narrow screen)."""
        with Horizontal(id="tiles"):
            for tile in TILE_IDS:
                yield Tile(_TITLES[tile], id=f"tile-{tile}")
        with Horizontal(id="overview-columns"):
            with Container(id="overview-left"):
                with Container(id="overview-charts"):
                    yield Section("throughput", AreaChart(tz=self.tz), id="overview-throughput")
                    spend = AreaChart(tz=self.tz, y_format=_dollars, whole=False, empty="no known spend in this window")
                    yield Section("spend", spend, id="overview-spend")
                with Container(id="overview-lists"):
                    yield Section("agents", self._agents(), id="overview-agents")
                    yield Section("task types", self._types(), id="overview-types")
                yield Section("running now", self._now(), id="overview-now")
            with Container(id="overview-right"):
                yield Section("cascade", self._funnel(), id="overview-cascade")
                yield Section("needs attention", self._attention(), id="overview-attention")
                yield Section("latest", self._feed(), id="overview-latest")

    def _agents(self) -> LiveTable:
        return LiveTable(BRIEF, id="agents", show_header=False, empty="no run in this window")

    def _types(self) -> LiveTable:
        return LiveTable(TYPES, id="types", show_header=False, empty="no run in this window")

    def _now(self) -> LiveTable:
        return LiveTable(NOW, id="now", show_header=False, empty="no run goes on")

    def _funnel(self) -> LiveTable:
        empty = "no decisions in this window"
        return LiveTable(FUNNEL, id="funnel", show_header=False, empty=empty, classes="-unfiltered")

    def _attention(self) -> LiveTable:
        empty = "nothing needs attention"
        return LiveTable(ATTENTION, id="attention", show_header=False, empty=empty, classes="-unfiltered")

    def _feed(self) -> LiveTable:
        return LiveTable(FEED, id="feed", show_header=False, empty="no run ended in this window")

    def read(self, reader: Reader, window: Window, args: Args) -> OverviewData:  # noqa: ARG002
        """The overview and the boosts in force."""
        alarms = self._ledger.alarms(self.host.source, reader.policy().version)
        return OverviewData(with_alarms(reader.overview(window), alarms), Boosts.of_policy(reader.policy().boosts))

    def show(self, data: OverviewData, view: ViewState) -> None:  # noqa: ARG002
        """Every part of the same window."""
        self._data = data
        overview = data.overview
        self._show_tiles(self.host.now())
        points, window, step_ms = overview.series, overview.window, overview.step_ms
        self.query_one("#overview-throughput AreaChart", AreaChart).set_data(throughput_chart(points, window, step_ms))
        self.query_one("#overview-spend AreaChart", AreaChart).set_data(spend_chart(points, window, step_ms))
        self._show_lists(overview, data.boosts)
        self._show_notes(overview)

    def _show_lists(self, overview: Overview, boosts: Boosts) -> None:
        locale, lines = self.locale(), agent_lines(overview.agents, boosts, live=overview.window.live)
        agents = for_boosts(BRIEF, lines)
        self.query_one("#agents", LiveTable).set_columns(agents.fields)
        shown = {
            "agents": agents.rows(lines, locale),
            "types": TYPES.rows(type_lines(overview.task_types), locale),
            "now": NOW.rows(by_urgency(overview.active), locale),
            "attention": ATTENTION.rows(attention_lines(overview), locale),
            "feed": FEED.rows(overview.feed, self.locale(overview.window)),
            "funnel": FUNNEL.rows(overview.layers, locale),
        }
        for name, rows in shown.items():
            self.query_one(f"#{name}", LiveTable).set_rows(rows)

    def _show_notes(self, overview: Overview) -> None:
        """How much there is beyond what fits."""
        decisions = max((row.captured.n for row in overview.layers), default=0)
        notes = {
            "agents": f"{len(overview.agents)}" if overview.agents else "",
            "cascade": counted(decisions, "decision") if decisions else "",
            "attention": f"{len(overview.attention)}" if overview.attention else "",
            "now": f"{len(overview.active)}" if overview.active else "",
            "throughput": f"runs per {span(overview.step_ms)}" if overview.series else "",
        }
        for name, note in notes.items():
            self.query_one(f"#overview-{name}", Section).set_note(note)

    def may_grade(self, subject_id: str) -> bool:
        """A run, and no execution."""
        return self._data is not None and any(
            item.run_id == subject_id and not item.tool for item in self._data.overview.feed
        )

    def tick(self, now_ms: int) -> None:
        """The waiting runs grow older."""
        self._show_tiles(now_ms)

    def _show_tiles(self, now_ms: int) -> None:
        if self._data is not None:
            for name, tile in tiles(self._data.overview, now_ms, self.glyphs).items():
                self.query_one(f"#tile-{name}", Tile).set_data(tile)

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        targets = {
            "agents": f"agent:{event.key}",
            "types": f"task_type:{event.key}",
            "attention": event.key.partition(KEY_GAP)[2],
            "feed": f"agent:{event.key.partition(KEY_GAP)[2]}",
            "now": f"agent:{event.key.partition(KEY_GAP)[2]}",
            "funnel": f"layer:{event.key}",
        }
        target = targets.get(event.table.id or "", "")
        if not self.host.open_target(target) and target == "doctor":
            self.app.notify("Run `fedtop doctor` to see what was lost, and why", markup=False)

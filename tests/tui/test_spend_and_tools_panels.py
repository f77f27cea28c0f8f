"""The costs and tools tabs and one tool, as used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from fedstore.queries import Reader
from fedstore.queries.models import CostsView, Money, ToolUser
from fedstore.store import Store
from fedstore.window import Window
from fedtop.values import money_cell
from fedtop.views.costs.columns import DIMENSIONS
from fedtop.widgets.area_chart import AreaChart
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import plain
from fedtop.widgets.tile import Tile
from tests.federation import MODELS, TOOLS
from tests.tui.panes import HOSTILE, WINDOW, Answers, Source, drilled, pane, screen_text, until
from tests.tui.values_of import cost, costs, tool, tool_detail, tools

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.fixture
def source(seeded_store: Store) -> Source:
    return Source(Reader(seeded_store.database, clock=seeded_store.clock))


def by_dimension(window: Window, dimension: str, only: Collection[str] | None = None) -> CostsView:
    names: Mapping[str, str] = {"model": "gpt-5", "agent": "codex", "project": "alpha"}
    rows = cost(names.get(dimension, "other one")), cost("second", cost=Money(computed_nano=2_000_000_000))
    chosen = [row for row in rows if only is None or row.name in only]
    return costs(*chosen, dimension=dimension) if chosen else costs(rows=(), total=Money(), tokens=None)


class TestCosts:
    async def test_models_of_a_real_store(self, source: Source) -> None:
        async with pane(source, tab="costs") as (app, _):
            table = app.screen.query_one("#costs-table", LiveTable)
            assert set(table.model.order) == set(MODELS)
            unknown = table.model.rows["no-such-model-1"]
            assert plain(unknown.cells["cost_nano"]).strip() == "?"
            assert plain(unknown.cells["cost_unpriced_tokens"]) not in ("", "0")

    async def test_d_turns_through_the_dimensions(self) -> None:
        async with pane(Source(Answers(costs=by_dimension)), tab="costs") as (app, pilot):
            table = app.screen.query_one("#costs-table", LiveTable)
            for dimension in (*DIMENSIONS[1:], DIMENSIONS[0]):
                await pilot.press("d")
                label = dimension.replace("_", " ")
                await until(pilot, lambda label=label: table.columns[0].label == label, label)
                assert f"by {label}" in screen_text(app)
            await pilot.press("D")
            await until(pilot, lambda: table.columns[0].label == "operation")

    async def test_enter_narrows_everything_to_one_name_and_escape_widens_it(self, source: Source) -> None:
        """Tiles, chart, title and totals are those of the rows in sight, by the reader's own sums over the facts."""
        async with pane(source, tab="costs") as (app, pilot):
            await pilot.press("d", "d")
            table = app.screen.query_one("#costs-table", LiveTable)
            await until(pilot, lambda: table.columns[0].label == "project" and table.row_count > 1)
            every = source.reader().costs(WINDOW, "project")
            name = every.rows[1].name
            await pilot.press("down", "enter")
            await until(pilot, lambda: f"spend of {name} by model" in screen_text(app), name)
            text, chart = screen_text(app), app.screen.query_one(AreaChart)
            row = every.rows[1]
            assert table.model.order == [name]
            assert f"window / {name}" in text
            assert f"today / {name}" in text
            assert f"1 of {len(every.rows)}: {row.calls:,} calls" in text
            tile = app.screen.query_one("#costs-spent", Tile)
            assert plain(tile._data.value) == plain(money_cell(row.cost))
            assert chart._data is not None
            assert sum(sum(filter(None, line.values)) for line in chart._data.series) == row.cost.nano
            await pilot.press("escape")
            await until(pilot, lambda: " spend by model " in screen_text(app), "all")
            assert "window /" not in screen_text(app)

    async def test_a_text_that_several_names_match_says_how_many(self) -> None:
        async with pane(Source(Answers(costs=by_dimension)), tab="costs") as (app, pilot):
            await pilot.press("slash", *"$")
            await until(pilot, lambda: "spend of 2 models with “$”" in screen_text(app), "with")
            await pilot.press("backspace", *"!second")
            await until(pilot, lambda: "spend of gpt-5 by model" in screen_text(app), "without")
            await pilot.press(*"xyz", "home", "delete")
            await until(pilot, lambda: "spend of 0 models with “secondxyz”" in screen_text(app), "none")
            assert plain(app.screen.query_one("#costs-spent", Tile)._data.value) == "–"

    async def test_another_dimension_drops_the_filter(self) -> None:
        async with pane(Source(Answers(costs=by_dimension)), tab="costs") as (app, pilot):
            table = app.screen.query_one("#costs-table", LiveTable)
            await pilot.press("enter", "d")
            await until(pilot, lambda: table.row_count == 2 and table.columns[0].label == "agent")
            assert app.view.filter_of("costs") == ""

    @pytest.mark.parametrize("size", SIZES)
    async def test_every_size(self, source: Source, size: tuple[int, int]) -> None:
        async with pane(source, tab="costs", size=size) as (app, _):
            text = screen_text(app)
            for word in ("today", "this month", "projected", "spend by model", "by model", "gpt-5", "unpriced"):
                assert word in text, word

    async def test_nothing_spent_tells_how(self) -> None:
        empty = costs(rows=(), total=Money(), month=Money(), series=(), models=())
        async with pane(Source(Answers(costs=empty)), tab="costs") as (app, _):
            text = screen_text(app)
            assert "No calls of a language model in this window." in text
            assert "fedtop import" in text
            assert "$0.00" not in text

    async def test_hostile_names(self) -> None:
        view = costs(cost(HOSTILE), models=(HOSTILE,))
        async with pane(Source(Answers(costs=view)), tab="costs", size=(80, 24)) as (app, pilot):
            await pilot.press("enter")
            await pilot.pause()
            text = screen_text(app)
            assert "\x1b" not in text
            assert "\u202e" not in text


class TestTools:
    async def test_tools_of_a_real_store(self, source: Source) -> None:
        async with pane(source, tab="tools") as (app, _):
            table = app.screen.query_one("#tools-table", LiveTable)
            assert set(table.model.order) == set(TOOLS)
            assert table.model.order[0] == "browser"  # fails every third time: the least trusted first
            assert "LOW" in plain(table.model.rows["browser"].cells["level"])
            assert "give it a fallback" in screen_text(app)

    async def test_the_tool_under_the_cursor_shows_its_days(self, source: Source) -> None:
        async with pane(source, tab="tools") as (app, pilot):
            for step in range(2):
                name = app.screen.query_one("#tools-table", LiveTable).model.order[step]
                await until(pilot, lambda name=name: f"{name}, runs per day" in screen_text(app), name)
                detail = source.reader().tool(name, WINDOW)
                chart = app.screen.query_one("#tools-preview AreaChart", AreaChart)
                assert chart._data is not None
                ok, failed = (sum(value or 0 for value in series.values) for series in chart._data.series)
                assert detail.row is not None
                assert (ok, ok + failed) == (detail.row.success.hits, detail.row.success.n)
                assert set(app.screen.query_one("#tools-agents", LiveTable).model.order) == {
                    user.agent for user in detail.row.agents
                }
                await pilot.press("j")
            app.screen.set_focus(app.screen.query_one("#tools-agents", LiveTable))
            await pilot.press("enter")
            await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "agent")

    async def test_enter_opens_the_tool(self, source: Source) -> None:
        async with pane(source, tab="tools") as (app, pilot):
            await pilot.press("enter")
            await drilled(app, pilot, "tool")
            text = screen_text(app)
            for word in ("browser", "LOW", "requires a fallback", "runs per day", "ElementNotFound", "newest runs"):
                assert word in text, word

    async def test_the_agents_of_a_tool_open_and_its_runs_do_not(self, source: Source) -> None:
        async with pane(source, tab="tools", target="tool:browser") as (app, pilot):
            agents = app.screen.query_one("#tool-agents", LiveTable)
            for selector, opens in (("#tool-agents", True), ("#tool-calls", False)):
                app.screen.set_focus(app.screen.query_one(selector, LiveTable))
                await pilot.pause()
                assert ("Enter open" in screen_text(app)) is opens, selector
            app.screen.set_focus(agents)
            await pilot.press("enter")
            await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "agent")
            assert app.top_panel.args == {"name": agents.cursor_key}

    @pytest.mark.parametrize("size", SIZES)
    async def test_every_size(self, source: Source, size: tuple[int, int]) -> None:
        async with pane(source, tab="tools", size=size) as (app, pilot):
            text = screen_text(app)
            for word in ("trust", "browser", "success", "failure patterns", "recommendations", "high"):
                assert word in text, word
            await pilot.press("enter")
            await drilled(app, pilot, "tool")
            assert isinstance(app.screen.focused, LiveTable)
            assert app.screen.query_one("#tool-calls", LiveTable).size.height >= 4

    async def test_a_short_pane_turns_over(self, source: Source) -> None:
        async with pane(source, tab="tools", size=(80, 24), target="tool:browser") as (app, pilot):
            assert "agents that use it" not in screen_text(app)
            await pilot.press("v")
            await pilot.pause()
            assert "agents that use it" in screen_text(app)
            assert app.screen.query_one("#tool-agents", LiveTable).has_focus
            await pilot.press("v")
            await pilot.pause()
            assert app.screen.query_one("#tool-calls", LiveTable).has_focus

    async def test_no_tools_tells_how(self) -> None:
        empty = tools(rows=(), patterns=(), recommendations=())
        async with pane(Source(Answers(tools=empty)), tab="tools") as (app, _):
            text = screen_text(app)
            assert "No executions of a tool in these 30 days." in text
            assert "fedtop record execution" in text
            assert "failure patterns" not in text

    async def test_nothing_found_is_said(self) -> None:
        calm = tools(patterns=(), recommendations=())
        async with pane(Source(Answers(tools=calm, tool=tool_detail())), tab="tools") as (app, _):
            text = screen_text(app)
            assert "none found" in text
            assert "nothing to do" in text

    async def test_a_tool_that_is_gone(self) -> None:
        answers = Answers(tools=tools(), tool=tool_detail(row=None, daily=(), recent=(), errors=()))
        gone: Any = answers.answers["tool"]
        answers.answers["tool"] = type(gone)(gone.window, None, (), (), ())
        async with pane(Source(answers), tab="tools", target="tool:bash") as (app, _):
            assert "Nothing ran it in these 30 days." in screen_text(app)

    async def test_hostile_names(self) -> None:
        row = tool(HOSTILE, agents=(ToolUser(HOSTILE, tool().success, 9),), reason=HOSTILE)
        view = tools(row, patterns=(HOSTILE,), recommendations=(HOSTILE,))
        answers = Answers(tools=view, tool=tool_detail(row, errors=((HOSTILE, 3),)))
        async with pane(Source(answers), tab="tools", size=(80, 24)) as (app, pilot):
            await pilot.press("enter")
            await drilled(app, pilot, "tool")
            text = screen_text(app)
            assert "\x1b" not in text
            assert "\u202e" not in text

"""The agents' rows, matrix and tiles as pure functions, and in a running pane."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text

from fedstore import BoostOutlook
from fedstore.queries.models import AgentRow, AgentsView, Durations, MatrixCell, Money, Rate
from fedstore.store import Store
from fedstore.window import Window
from fedtop import loop
from fedtop.fields import Locale
from fedtop.glyphs import UNICODE
from fedtop.views.agent.columns import KINDS
from fedtop.views.agent.panel import agent_tiles
from fedtop.views.agents.columns import AGENTS, BRIEF, Boost, Boosts, agent_lines, for_boosts, pair_lines
from fedtop.views.agents.matrix import matrix_of
from fedtop.views.agents.panel import cell_line
from fedtop.widgets.matrix import Matrix
from fedtop.widgets.table_model import Row, plain
from fedtop.widgets.tile import Tile
from tests.conftest import Clock
from tests.federation import NOW_MS, RUNS, TASK_TYPES, run_event
from tests.tui.frames import read_anew, running, screen_text, table, until

NOTHING = AgentRow(
    name="kimi", tasks=0, success=Rate(0, 0), rework=Rate(0, 0), durations=Durations(), tokens=None, cost=Money(),
    quality=None, quality_n=0, quality_trend="unknown", last_ms=None, active=0, waiting=0, capacity=None, spark=(),
    status="unknown", success_before=Rate(0, 0),
)  # fmt: skip
BUSY = replace(
    NOTHING, tasks=412, success=Rate(384, 412), rework=Rate(9, 412),
    durations=Durations(412, 22_000.0, 20_000.0, 58_000.0),
    tokens=1_280_000, cost=Money(reported_nano=4_100_000_000), quality=0.91, quality_n=300, quality_trend="improving",
    last_ms=NOW_MS, active=3, capacity=0.4, spark=(1, 2, 3), status="ok", success_before=Rate(9, 10),
)  # fmt: skip


def agent_rows(rows: list[AgentRow], boosts: Boosts, *, live: bool = True) -> list[Row]:
    return AGENTS.rows(agent_lines(rows, boosts, live=live), Locale())


def cells_of(row: AgentRow, boosts: Boosts | None = None) -> dict[str, str]:
    (found,) = agent_rows([row], boosts or Boosts())
    return {key: plain(cell) for key, cell in found.cells.items()}


def test_what_is_not_known_is_not_zero() -> None:
    (row,) = agent_rows([NOTHING], Boosts())
    unknown = {key for key, cell in row.cells.items() if cell is None}
    assert unknown == {
        "active", "success", "rework", "duration_mean_ms", "duration_p95_ms", "tokens", "cost_nano", "quality",
        "capacity", "boost",
    }  # fmt: skip
    assert plain(row.cells["tasks"]) == "0"
    assert all(row.sort[key] is None for key in unknown - {"active"})


def test_a_busy_agent_as_in_the_wireframe() -> None:
    cells = cells_of(BUSY, Boosts({("kimi", ""): 0.05}))
    assert cells["agent"] == "● kimi"
    assert cells["active"] == "busy 3"
    assert cells["success"].split() == ["93.2", "%", "90.4–95.3"]
    assert cells["rework"] == "2.2 %"
    assert (cells["duration_mean_ms"], cells["duration_p95_ms"], cells["tokens"]) == ("22 s", "58 s", "1.28 M")
    assert cells["cost_nano"] == "$4.10 ="
    assert cells["quality"] == "0.91 ▲"
    assert cells["capacity"] == "40 %"
    assert cells["boost"].split() == ["+0.05"]


def test_unpriced_spend_is_never_zero_dollars() -> None:
    hidden = replace(BUSY, cost=Money(unpriced_calls=3, unpriced_tokens=900))
    (row,) = agent_rows([hidden], Boosts())
    assert plain(row.cells["cost_nano"]).strip() == "?"
    assert row.sort["cost_nano"] is None
    partly = replace(BUSY, cost=Money(computed_nano=1_000_000_000, unpriced_calls=1))
    assert cells_of(partly)["cost_nano"] == "$1.00 ?"


def test_waiting_outweighs_running() -> None:
    assert cells_of(replace(BUSY, waiting=1))["active"] == "wait 1"
    for state in ("active", "idle", "offline"):
        assert cells_of(replace(BUSY, active=0, state=state))["active"] == state


def test_what_tasks_are_is_told_where_not_all_are_runs() -> None:
    alive = replace(BUSY, name="alpha", active=0, tasks_are="executions", state="active")
    for rows, shown in (([BUSY], False), ([BUSY, alive], True)):
        lines = agent_lines(rows, Boosts())
        table = for_boosts(AGENTS, lines)
        assert (table["tasks_are"].width > 0) is shown
        assert [record["tasks_are"] for record in table.records(lines)] == [row.tasks_are for row in rows]
    assert cells_of(alive)["tasks_are"] == "executions"
    tile = agent_tiles(alive, UNICODE)["tasks"]
    assert (tile.title, tile.sub) == ("executions", "active")


def test_boosts_have_a_column_only_where_there_are_any() -> None:
    def keys(boosts: Boosts) -> set[str]:
        shown = for_boosts(AGENTS, agent_lines([BUSY], boosts))
        return {field.key for field in shown.fields if field.width}

    assert "boost" not in keys(Boosts())
    assert "boost" in keys(Boosts({("kimi", ""): 0.05}))
    assert "boost" in keys(Boosts({}, {("kimi", ""): 0.05}))


def test_a_proposal_is_shown_as_the_move_it_asks_for() -> None:
    boosts = Boosts({("kimi", ""): 0.05, ("kimi", "code"): 0.01}, {("kimi", ""): 0.02, ("kimi", "code"): 0.012})
    assert round(boosts.of("kimi").move or 0, 9) == -0.03
    assert boosts.of("kimi", "code").move is None
    assert boosts.of("codex").move is None
    assert "▼" in cells_of(BUSY, boosts)["boost"]


def test_a_boost_that_the_agent_has_already_is_not_proposed_again() -> None:
    boosts = Boosts({("kimi", ""): 0.05}, {("kimi", "code"): 0.05, ("kimi", "docs"): 0.02})
    assert boosts.of("kimi", "code").move is None
    assert boosts.of("kimi", "docs").move == pytest.approx(-0.03), "a cut, though none was set for it"
    assert (boosts.of("kimi", "code").effective, boosts.of("codex", "code").effective) == (0.05, 0.0)
    pairs = pair_lines([MatrixCell("kimi", kind, Rate(9, 10), 10) for kind in ("code", "docs")], boosts)
    rows = KINDS.rows(pairs, Locale())
    assert [plain(row.cells["boost"]) for row in rows] == ["+0.05", "+0.05"], "the agent's own"
    assert [plain(row.cells["boost_proposed"]) for row in rows] == ["", "+0.02"]


def test_few_tasks_make_no_claim_in_the_matrix() -> None:
    window = Window.ending("24h", NOW_MS)
    cells = (MatrixCell("kimi", "code", Rate(90, 100), 100), MatrixCell("kimi", "docs", Rate(2, 2), 2))
    view = AgentsView(window, (BUSY,), ("code", "docs", "review"), cells)
    columns, (row,) = matrix_of(view, Boosts({}, {("kimi", "code"): 0.03, ("kimi", "docs"): 0.05}))
    assert [key for key, _ in columns] == ["code", "docs", "review"]
    assert (row.cells["code"].rate, row.cells["code"].few, row.cells["code"].boost) == (0.9, False, 0.03)
    assert row.cells["docs"].few
    assert "review" not in row.cells


def test_a_cell_of_the_matrix_shows_the_boost_that_is_added() -> None:
    """Dim where it is the agent's own; an arrow only where a plan would change it."""
    cells = tuple(MatrixCell("kimi", kind, Rate(90, 100), 100) for kind in ("code", "docs", "review"))
    view = AgentsView(Window.ending("24h", NOW_MS), (BUSY,), ("code", "docs", "review"), cells)
    boosts = Boosts({("kimi", ""): 0.05, ("kimi", "code"): 0.01}, {("kimi", "review"): 0.02})
    _, (row,) = matrix_of(view, boosts)
    texts = {kind: cell.draw(14, UNICODE) for kind, cell in row.cells.items()}
    words = {kind: text.plain.split() for kind, text in texts.items()}
    assert words == {"code": ["90", "%", "+0.01"], "docs": ["90", "%", "+0.05"], "review": ["90", "%", "▼", "+0.05"]}
    assert {len(text.plain) for text in texts.values()} == {14}
    styles = {
        kind: next(str(s.style) for s in text.spans if text.plain[s.start : s.end].strip().startswith("+"))
        for kind, text in texts.items()
    }
    assert styles == {"code": "$ok", "docs": "$dim", "review": "$dim"}


def test_the_line_below_the_matrix_says_what_a_cell_rests_on() -> None:
    boosts = Boosts({("kimi", "code"): 0.01}, {("kimi", "code"): 0.03}, outlook="30d, shrunk")
    line = cell_line(MatrixCell("kimi", "code", Rate(90, 100), 100), "kimi", "code", boosts).plain
    for part in ("kimi on code", "90.0 %", "n=100", "in force +0.01", "proposed +0.03 (30d, shrunk)"):
        assert part in line
    assert "never tried" in cell_line(None, "kimi", "docs", boosts).plain
    assert "3 tasks, none graded" in cell_line(MatrixCell("kimi", "x", Rate(0, 0), 3), "kimi", "x", boosts).plain


def test_what_an_agent_did_at_a_past_moment_is_not_known() -> None:
    idle = replace(NOTHING, last_ms=1, state="idle")
    for live, word in ((True, "idle"), (False, "")):
        (row,) = agent_rows([idle], Boosts(), live=live)
        assert plain(row.cells["active"]) == word
        assert plain(agent_tiles(idle, UNICODE, live=live)["tasks"].sub) == word


def test_a_rate_of_rework_tells_of_how_many_it_is() -> None:
    tiles = agent_tiles(replace(NOTHING, rework=Rate(3, 40), capacity=0.75), UNICODE)
    assert (plain(tiles["rework"].value), plain(tiles["rework"].sub)) == ("7.5 %", "n=40")
    assert plain(tiles["tasks"].side) == "75 % free"


def test_tiles_of_an_agent_that_did_nothing_are_unknown() -> None:
    assert {tile.state for tile in agent_tiles(None, UNICODE).values()} == {"unknown"}
    tiles = agent_tiles(NOTHING, UNICODE)
    assert tiles["success"].sub == "none graded"
    assert tiles["cost"].value is None


def test_boosts_for_a_task_type_stand_in_for_the_whole() -> None:
    boosts = Boosts({("kimi", ""): 0.05, ("kimi", "code"): 0.01}, {("a", "docs"): 0.02})
    (line,) = agent_lines([BUSY], boosts, "code")
    assert line.boost == Boost(0.01, None, 0.01)
    (line,) = agent_lines([BUSY], boosts, "docs")
    assert line.boost == Boost(None, None, 0.05), "what a router adds, though nothing was set for it"


def test_brief_rows_keep_name_and_order() -> None:
    rows = BRIEF.rows(agent_lines([BUSY, replace(BUSY, name="codex")], Boosts()), Locale())
    assert [row.key for row in rows] == ["kimi", "codex"]
    assert isinstance(rows[0].cells["success"], Text)


def graded(agent: str, kind: str | None = None) -> tuple[int, int]:
    """(good, judged) runs of an agent in the last 24 hours, counted from the events."""
    end = NOW_MS - NOW_MS % 60_000 + 60_000
    runs = [run_event(n) for n in range(RUNS)]
    mine = [
        r for r in runs
        if r["agent"] == agent and end - 86_400_000 <= r["at"] < end and kind in (None, r["task_type"])
    ]  # fmt: skip
    judged = [r for r in mine if r["success"] is not None]
    return sum(bool(r["success"]) and not r["rework"] for r in judged), len(judged)


async def test_the_table_counts_as_the_events_do(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, _):
        rows = table(app, "#agents-table").model.rows
        for agent in ("kimi", "codex"):
            good, judged = graded(agent)
            assert rows[agent].sort["success"] == good / judged


async def test_the_cursor_row_is_shown_in_more_detail(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        agents = table(app, "#agents-table")
        await pilot.press("end")
        name = agents.cursor_key
        await until(pilot, lambda: app.base.panel.args.get("selected") == name)
        await read_anew(app, pilot)
        newest = next(run_event(n) for n in range(RUNS) if run_event(n)["agent"] == name)
        assert table(app, "#agents-runs").model.order[0] == newest["id"]


async def test_a_short_screen_reads_no_detail_it_cannot_show(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents", size=(80, 24)) as (app, pilot):
        await pilot.press("down", "up", "down")
        await read_anew(app, pilot)
        assert app.base.panel.args.get("selected") is None


@pytest.mark.parametrize(("tab", "rows"), [("agents", "#agents-runs"), ("tools", "#tools-agents")])
async def test_what_comes_into_sight_is_read(seeded_store: Store, clock: Clock, tab: str, rows: str) -> None:
    """Nothing is said of what was never read: not that there is none."""
    async with running(seeded_store, clock, tab=tab, size=(80, 24), interval_s=60.0) as (app, pilot):
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: table(app, rows).row_count)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.base.panel.args.get("selected") is None)
        await read_anew(app, pilot)
        assert app.base.panel.has_class("-unselected")


async def test_the_matrix_explains_the_cell_under_its_cursor(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        matrix = app.screen.query_one(Matrix)
        matrix.focus()
        await pilot.press("down", "right")
        agent, kind = matrix.cursor_key, matrix.cursor_column
        assert agent is not None
        assert kind in TASK_TYPES
        good, judged = graded(agent, kind)
        await until(pilot, lambda: f"{agent} on {kind}" in screen_text(app), f"{agent} on {kind}: {screen_text(app)}")
        assert f"{100 * good / judged:.1f} %".replace("100.0", "100") in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.base.panel.panel_id == "boost")
        await read_anew(app, pilot)
        assert f"{agent} on {kind}" in screen_text(app) or f"{agent} for {kind}" in screen_text(app)


async def test_an_agent_is_shown_whole(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, size=(160, 60)) as (app, pilot):
        app.open_target("agent:gemini")
        await pilot.pause()
        await read_anew(app, pilot)
        good, judged = graded("gemini")
        tile = app.screen.query_one("#agent-tile-success", Tile).paint(20, 2)[0].plain
        assert f"{100 * good / judged:.1f} %" in tile
        assert "gemini" in table(app, "#agent-peers-table").model.order
        assert table(app, "#agent-models-table").model.order
        assert table(app, "#agent-tools-table").model.order
        kinds = table(app, "#agent-kinds-table").model.rows
        assert {kind: row.sort["tasks"] for kind, row in kinds.items()} == {
            kind: sum(
                run_event(n)["agent"] == "gemini" and run_event(n)["task_type"] == kind and n < 24 * 6
                for n in range(RUNS)
            )
            for kind in kinds
        }


async def test_enter_leads_from_agent_to_tool_and_back_by_steps(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock) as (app, pilot):
        app.open_target("agent:kimi")
        await pilot.pause()
        await read_anew(app, pilot)
        table(app, "#agent-kinds-table").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.base.panel.panel_id == "task_type")
        titles: Any = app.screen
        assert titles.titles[:2] == ("Overview", "kimi")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_boosts_in_force_appear_with_their_history(seeded_store: Store, clock: Clock) -> None:
    from fedstore.policy import PolicyStore

    policies = PolicyStore(seeded_store)
    change = policies.apply(policies.propose_optimize("seed"), who="test")
    moved = {item.key: item.new for item in change.plan.items}
    async with running(seeded_store, clock, tab="agents") as (app, pilot):
        rows = table(app, "#agents-table").model.rows
        agent = next(name for name in rows if f"agent:{name}" in moved)
        assert rows[agent].sort["boost"] == moved[f"agent:{agent}"]
        app.open_target(f"agent:{agent}")
        await pilot.pause()
        await read_anew(app, pilot)
        assert f"{change.id}|" in table(app, "#agent-boosts-table").model.order


async def test_no_figure_waits_for_a_proposal(
    seeded_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, looked = threading.Event(), loop.outlook

    def slow(source: Store) -> BoostOutlook:
        released.wait(30)
        return looked(source)

    monkeypatch.setattr(loop, "outlook", slow)
    async with running(seeded_store, clock, tab="agents", size=(160, 50)) as (app, pilot):
        try:
            await until(pilot, lambda: len(table(app, "#agents-table").model.order) > 0, "agents are there")
            assert "the plan of" not in screen_text(app)
        finally:
            released.set()
        await until(pilot, lambda: "arrows: the plan of 30d, shrunk" in screen_text(app), "the plan is there")

"""The grading queue, as used: one key per decision, recorded, and what it brings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from fedstore import Grade, Grades
from fedstore.learning.intervals import wilson
from fedstore.policy.grading import GradeItem, GradeProgress, GradingQueue, grading_queue
from fedstore.queries import Reader
from fedstore.store import Store
from fedstore.window import Window
from fedtop.app import FedtopApp
from fedtop.fields import Locale
from fedtop.screens.mark import AgentInput, MarkScreen
from fedtop.views.grading.columns import PROGRESS, QUEUE, progress_lines
from fedtop.views.grading.panel import GradingPanel
from fedtop.views.grading.parts import item_lines, progress_parts
from fedtop.widgets.interval_bar import IntervalBar
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import Row, plain
from tests.federation import NOW_MS
from tests.tui.panes import HOSTILE, WINDOW, Answers, drilled, pane, screen_text, until
from tests.tui.values_of import cascade

ITEM = GradeItem(
    "route-1", NOW_MS, "kimi", "semantic", "keyword", 0.846, 0.85, ("kimi", "codex"), "fix the login", "task-1"
)
START = GradeProgress(300, 100, 40, 10, 0.94, wilson(94, 100), 1.0)


def cells(row: Row) -> dict[str, str]:
    return {key: plain(cell) for key, cell in row.cells.items()}


class TestRows:
    def test_an_open_decision(self) -> None:
        (row,) = QUEUE.rows([ITEM], Locale(window=WINDOW))
        shown = cells(row)
        assert row.key == "route-1"
        figures = [shown[key] for key in ("nearest_layer", "confidence", "threshold", "margin")]
        assert figures == ["keyword", "0.846", "0.85", "−0.004"]
        assert (shown["agent"], shown["layer"], shown["task_id"]) == ("kimi", "semantic", "fix the login")
        assert row.sort["margin"] == pytest.approx(0.004)

    def test_who_else_was_proposed(self) -> None:
        text = "\n".join(line.plain for line in item_lines(ITEM))
        assert "sent to kimi by semantic" in text
        assert "other layers proposed codex" in text
        assert "no description kept" in item_lines(replace(ITEM, description=None))[0].plain
        assert item_lines(None) == []

    def test_both_intervals_share_an_axis(self) -> None:
        now = replace(START, graded=200, accuracy=0.95, interval=wilson(190, 200))
        first, second = PROGRESS.rows(progress_lines(START, now), Locale())
        bars = [row.cells["axis"] for row in (first, second)]
        assert all(isinstance(bar, IntervalBar) for bar in bars)
        assert {bar.axis_low for bar in bars} == {0.85}  # type: ignore[union-attr]
        widths = [float(cells(row)["width"]) for row in (first, second)]
        assert widths[1] < widths[0]
        assert set(first.cells) == {field.key for field in PROGRESS.fields}

    def test_nothing_graded_is_no_accuracy(self) -> None:
        none = GradeProgress(300, 0, 40, 0, None, None, 0.0)
        first, _ = PROGRESS.rows(progress_lines(none, none), Locale())
        assert cells(first)["accuracy"] == "–"
        assert first.cells["width"] is None
        assert "no grade speaks for 100 % of them" in [part.plain for part in progress_parts(none)]

    def test_hostile(self) -> None:
        item = replace(ITEM, agent=HOSTILE, description=HOSTILE, task_id=HOSTILE, proposals=(HOSTILE, "x"))
        (row,) = QUEUE.rows([item], Locale(window=WINDOW))
        texts = [*cells(row).values(), *(line.plain for line in item_lines(item))]
        assert "xxx" in "".join(texts)
        assert not {"\x1b", "\u202e"} & set("".join(texts))


class GradingSource:
    """The store itself, with a reader whose cascade is made by hand."""

    def __init__(self, store: Store) -> None:
        self.store, self.path, self.database, self.clock = store, store.path, store.database, store.clock
        self.readonly, self.settings = store.readonly, store.settings
        self._reader = Answers(cascade=cascade())

    def reader(self) -> Any:
        real = Reader(self.database, clock=self.clock)
        for name in ("thresholds", "why", "layers_seen", "names"):
            self._reader.answers[name] = getattr(real, name)
        return self._reader

    def writer(self, **options: Any) -> Any:
        return self.store.writer(**options)

    def recorder(self, **options: Any) -> Any:
        return self.store.recorder(**options)


@pytest.fixture
def source(seeded_store: Store) -> Iterator[GradingSource]:
    return GradingSource(seeded_store)


def verdict(store: Store, route: str) -> tuple[Any, ...]:
    (row,) = store.database.read("SELECT correct, correct_agent FROM routes WHERE id = ?", (route,))
    return row


def table(app: FedtopApp) -> LiveTable:
    return app.base.query_one("#grading-queue", LiveTable)


def line(app: FedtopApp) -> str:
    """What was said last, the line in which something is graded, and the keys below it."""
    assert isinstance(app.screen, MarkScreen)
    return "\n".join(screen_text(app).splitlines()[-3:])


async def settled(app: FedtopApp, pilot: Any) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()


class TestQueue:
    async def test_it_is_the_store_s_queue(self, source: GradingSource) -> None:
        window = Window.ending("24h", NOW_MS)
        wanted = [item.route_id for item in grading_queue(source.store, window, limit=40)]
        async with pane(source, target="grading:") as (app, _):
            assert table(app).model.order == wanted
            assert "graded 144 of 288" in screen_text(app)

    @pytest.mark.parametrize(("key", "correct"), [("r", 1), ("w", 0)])
    async def test_one_key_grades_and_moves_on(self, source: GradingSource, key: str, correct: int) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first, second = table(app).model.order[:2]
            await pilot.press("m", key)
            await until(pilot, lambda: table(app).cursor_key == second, "the next decision")
            await settled(app, pilot)
            assert first not in table(app).model.order
            assert "graded 145 of 288" in screen_text(app)
            assert "1 in this sitting" in screen_text(app)
            assert f"Graded decision {first}" in line(app)
        assert verdict(source.store, first)[0] == correct

    async def test_fast_typing_grades_each_once(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[:4]
            await pilot.press("m", "r", "w", "r", "r")
            await settled(app, pilot)
            assert "4 in this sitting" in screen_text(app)
        assert [verdict(source.store, route)[0] for route in first] == [1, 0, 1, 1]

    async def test_the_letters_mean_nothing_without_the_line(self, source: GradingSource) -> None:
        """vim's habits, copy, next match: none of them may grade."""
        async with pane(source, target="grading:") as (app, pilot):
            await pilot.press("g", "g", "y", "n", "c", "x", "g")
            await settled(app, pilot)
            assert "0 in this sitting" in screen_text(app)
        assert source.store.database.read("SELECT COUNT(*) FROM verdicts WHERE source = 'grade'") == [(0,)]

    @pytest.mark.parametrize("key", ["r", "x"])
    async def test_the_last_one_is_taken_back(self, source: GradingSource, key: str) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[:3]
            await pilot.press("m", key, "w")
            await settled(app, pilot)
            assert not {*first[:2]} & {*table(app).model.order}
            await pilot.press("u")
            await until(pilot, lambda: first[1] in table(app).model.order, "the second one is open again")
            assert f"Took back wrong on decision {first[1]}" in line(app)
            await pilot.press("escape")
            await pilot.press("u")
            await until(pilot, lambda: table(app).model.order[:3] == first, "the first one, too")
            await settled(app, pilot)
            assert "0 in this sitting" in screen_text(app)
            assert any(first[0] in note.message for note in app._notifications)
        assert [verdict(source.store, route) for route in first] == [(None, None)] * 3

    async def test_skipping_records_nothing(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[0]
            await pilot.press("m", "x")
            await settled(app, pilot)
            assert first not in table(app).model.order
            assert "0 in this sitting" in screen_text(app)
        assert verdict(source.store, first) == (None, None)

    async def test_naming_the_right_agent(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[0]
            await pilot.press("m", "a", *"someone")
            await pilot.pause()
            assert "someone" in line(app)
            await pilot.press("enter")
            await settled(app, pilot)
            assert isinstance(app.screen, MarkScreen)
        assert verdict(source.store, first) == (0, "someone")

    async def test_what_is_typed_before_the_decisions_are_read_grades_nothing(
        self, source: GradingSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = Event()

        def slow(given: Any, window: Window) -> GradingQueue:
            read.wait(10)
            return GradingQueue(given, window)

        monkeypatch.setattr("fedtop.views.grading.panel.open_queue", slow)
        async with pane(source) as (app, pilot):
            await pilot.press("M", "m", "c", "n", "x")
            assert table(app).cursor_key is None
            read.set()
            await settled(app, pilot)
            assert table(app).cursor_key is not None
            assert "0 in this sitting" in screen_text(app)
        assert source.store.database.read("SELECT COUNT(*) FROM verdicts WHERE source = 'grade'") == [(0,)]

    async def test_leaving_the_name_grades_nothing(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[0]
            await pilot.press("m", "a", *"some", "escape")
            await settled(app, pilot)
            assert not app.screen.query_one(AgentInput).has_focus
            assert isinstance(app.screen, MarkScreen)
            await pilot.press("escape")
            await pilot.pause()
            assert table(app).cursor_key == first
            assert table(app).has_focus
            assert isinstance(app.top_panel, GradingPanel)
        assert verdict(source.store, first) == (None, None)

    async def test_it_says_its_order_and_how_to_keep_descriptions(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, _):
            text = screen_text(app)
            assert "nearest to a threshold (in steps of 0.005), the layer graded least first" in text
            assert "keep_content = true (config), or `fedtop import --content`" in text
        attempt = {"layer": "semantic", "agent": "kimi", "confidence": 0.701, "threshold": 0.7, "accepted": True}
        route = {"kind": "route", "id": "told", "agent": "kimi", "layer": "semantic", "attempts": [attempt],
                 "at": NOW_MS - 60_000, "description": "mend the lock"}  # fmt: skip
        source.store.writer(keep_content=True).write([route])
        async with pane(source, target="grading:") as (app, _):
            assert "mend the lock" in screen_text(app)
            assert "keep_content" not in screen_text(app)

    async def test_enter_tells_why(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[0]
            await pilot.press("enter")
            await drilled(app, pilot, "why")
            assert app.top_panel is not None
            assert app.top_panel.args == {"route_id": first}

    async def test_another_window_is_another_sitting(self, source: GradingSource) -> None:
        async with pane(source, target="grading:") as (app, pilot):
            await pilot.press("m", "r", "escape")
            await settled(app, pilot)
            await pilot.press("w")
            await until(pilot, lambda: "of 312" in screen_text(app), "the longer window")
            await settled(app, pilot)
            assert "0 in this sitting" in screen_text(app)

    async def test_a_store_that_fails_is_told(self, source: GradingSource) -> None:
        def broken(**_: Any) -> Any:
            raise OSError("disk is full")

        source.store.writer = broken  # type: ignore[method-assign]
        source.writer = broken  # type: ignore[method-assign]
        async with pane(source, target="grading:") as (app, pilot):
            first = table(app).model.order[0]
            await pilot.press("m", "r")
            await settled(app, pilot)
            await until(pilot, lambda: first in table(app).model.order, "open again")
            assert any("disk is full" in note.message for note in app._notifications)
            assert "0 in this sitting" in screen_text(app)

    @pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
    async def test_every_size(self, source: GradingSource, size: tuple[int, int]) -> None:
        async with pane(source, target="grading:", size=size) as (app, _):
            text = screen_text(app)
            for word in ("grading queue", "at the start", "now", "width", "m: right", "margin", "sent to"):
                assert word in text, word
            assert table(app).size.height >= 5

    async def test_a_key_opens_it_and_read_only_has_none(self, source: GradingSource) -> None:
        async with pane(source) as (app, pilot):
            assert "M grading queue" in screen_text(app).splitlines()[-1]
            await pilot.press("M")
            await drilled(app, pilot, "grading")
        async with pane(source, readonly=True) as (app, pilot):
            await pilot.press("M", "m")
            await pilot.pause()
            assert app.top_panel is not None
            assert app.top_panel.panel_id == "cascade"
            assert "grad" not in screen_text(app).splitlines()[-1]


class TestRuns:
    """A run under the cursor is graded in the same line."""

    @pytest.mark.parametrize(
        ("key", "expected"), [("r", (1, 0)), ("k", (1, 1)), ("w", (0, None))], ids=["right", "rework", "wrong"]
    )
    async def test_a_run_of_an_agent(self, seeded_store: Store, key: str, expected: tuple[Any, ...]) -> None:
        def stands() -> tuple[Any, ...]:
            (row,) = seeded_store.database.read("SELECT success, rework FROM runs WHERE id = ?", (run,))
            return row

        async with pane(seeded_store, tab="agents", target="agent:kimi") as (app, pilot):
            runs = app.screen.query_one("#agent-runs-table", LiveTable)
            assert "m grade" not in screen_text(app).splitlines()[-1], "a task type is no run"
            app.screen.set_focus(runs)
            await pilot.pause()
            assert "m grade" in screen_text(app).splitlines()[-1]
            run = runs.cursor_key or ""
            before = stands()
            await pilot.press("m")
            await until(pilot, lambda: isinstance(app.screen, MarkScreen), "the line")
            assert "another agent" not in line(app)
            assert "k rework" in line(app)
            await until(pilot, lambda: "kimi" in line(app), "what it is")
            await pilot.press(key)
            await until(pilot, lambda: stands() == expected or before == expected, "graded")
            await settled(app, pilot)
            assert not isinstance(app.screen, MarkScreen)
            assert any(f"Graded run {run}" in note.message for note in app._notifications)
            await pilot.press("u")
            await until(pilot, lambda: stands() == before, "taken back")
            await settled(app, pilot)

    async def test_clear_takes_back_what_was_said_before(self, seeded_store: Store) -> None:
        (run, *before), *_ = seeded_store.database.read(
            "SELECT id, success, rework FROM runs WHERE agent = 'kimi' ORDER BY ended_ms DESC LIMIT 1"
        )
        Grades(seeded_store).give(Grade("run", run, "wrong" if before[0] else "right"))
        async with pane(seeded_store, tab="overview") as (app, pilot):
            feed = app.screen.query_one("#feed", LiveTable)
            app.screen.set_focus(feed)
            feed.move_cursor(next(key for key in feed.model.order if key.startswith(run)))
            await pilot.press("m", "c")
            await settled(app, pilot)
            assert any(f"Graded run {run}: no verdict" in note.message for note in app._notifications)
        assert seeded_store.database.read("SELECT success, rework FROM runs WHERE id = ?", (run,)) == [tuple(before)]

"""The cascade tab, a layer's lever and the why of a decision, as used: keys in, screen and store out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fedstore.learning.log import DecisionLog
from fedstore.queries import Reader
from fedstore.queries.models import Rate
from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.screens.mark import MarkScreen
from fedtop.views.layer.panel import LayerPanel, Readings
from fedtop.views.why.panel import WhyPanel
from fedtop.widgets.histogram import Histogram
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.table_model import plain
from tests.federation import ROUTES
from tests.tui.panes import HOSTILE, Answers, Source, drilled, pane, screen_text, until
from tests.tui.values_of import cascade, decision, layer, layer_view, step, why

SIZES = [(80, 24), (120, 40), (200, 50)]


class StoreSource(Source):
    """A real store, and a recorder for grades."""

    def __init__(self, store: Store) -> None:
        super().__init__(Reader(store.database, clock=store.clock))
        self.store = store
        self.database, self.clock, self.path = store.database, store.clock, store.path
        self.readonly, self.settings = store.readonly, store.settings

    def writer(self, **options: Any) -> Any:
        return self.store.writer(**options)

    def recorder(self, **options: Any) -> Any:
        return self.store.recorder(**options)


@pytest.fixture
def source(seeded_store: Store) -> Iterator[StoreSource]:
    return StoreSource(seeded_store)


def figures(app: FedtopApp) -> dict[str, dict[str, str]]:
    model = app.screen.query_one(Readings).model
    return {key: {c: plain(cell) for c, cell in model.rows[key].cells.items()} for key in model.order}


class TestCascade:
    async def test_layers_of_a_real_store_in_order(self, source: StoreSource) -> None:
        async with pane(source) as (app, _):
            table = app.screen.query_one("#layers", LiveTable)
            assert table.model.order == ["keyword", "semantic", "llm", "clarification"]
            day = 24 * 12  # decisions of the window: one every five minutes
            shown = plain(table.model.rows["keyword"].cells["attempts"])
            assert shown == str(day)
            assert "288 decisions" in screen_text(app)

    @pytest.mark.parametrize("size", SIZES)
    async def test_every_size_shows_funnel_layers_and_decisions(
        self, source: StoreSource, size: tuple[int, int]
    ) -> None:
        async with pane(source, size=size) as (app, _):
            text = screen_text(app)
            for word in ("who decides", "layers", "latest decisions", "semantic", "accuracy", "threshold"):
                assert word in text, word
            assert app.screen.query_one("#decisions", LiveTable).size.height >= 4

    async def test_enter_opens_the_layer_and_escape_goes_back(self, source: StoreSource) -> None:
        async with pane(source) as (app, pilot):
            await pilot.press("down", "enter")
            await drilled(app, pilot, "layer")
            assert app.top_panel is not None
            assert app.top_panel.args == {"name": "semantic"}
            await pilot.press("escape")
            await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "cascade")

    async def test_a_missed_target_is_on_the_screen(self) -> None:
        missed = layer("keyword", 1, captured=Rate(128, 1284), target=">30%", target_status="alert")
        async with pane(Source(Answers(cascade=cascade(missed)))) as (app, _):
            text = screen_text(app)
            assert "✖ >30%" in text
            assert "accuracy >95% is 89.0 %" in text

    async def test_nothing_recorded_tells_how(self) -> None:
        empty = cascade(routes=0, layers=(), recent=())
        async with pane(Source(Answers(cascade=empty))) as (app, _):
            text = screen_text(app)
            assert "No routing decisions in this window." in text
            assert "fedtop import performance.jsonl" in text
            assert "who decides" not in text

    async def test_the_cursor_stays_on_its_layer(self) -> None:
        answers = Answers(cascade=cascade(layer("keyword", 1), layer("semantic", 2)))
        async with pane(Source(answers)) as (app, pilot):
            await pilot.press("down")
            answers.answers["cascade"] = cascade(layer("new", 0), layer("keyword", 1), layer("semantic", 2))
            answers.token += 1
            app.demand()
            table = app.screen.query_one("#layers", LiveTable)
            await until(pilot, lambda: table.row_count == 3)
            assert table.cursor_key == "semantic"

    async def test_hostile_names_do_no_harm(self) -> None:
        view = cascade(layer(HOSTILE, 1), recent=(decision(agent=HOSTILE, layer=HOSTILE, description=HOSTILE),))
        async with pane(Source(Answers(cascade=view)), size=(80, 24)) as (app, _):
            text = screen_text(app)
            assert "\x1b" not in text
            assert "\u202e" not in text


class TestLever:
    async def test_the_study_agrees_with_the_events(self, source: StoreSource) -> None:
        async with pane(source, target="layer:semantic") as (app, _):
            shown = figures(app)
            # Of the window's 288 decisions every fourth is taken by the second layer.
            assert shown["captured"]["now"] == "25.0 %"
            assert shown["threshold"]["now"] == "0.70"
            assert "nothing is written" in screen_text(app)

    async def test_left_and_right_move_and_zero_resets(self, source: StoreSource) -> None:
        async with pane(source, target="layer:semantic") as (app, pilot):
            panel = app.top_panel
            assert isinstance(panel, LayerPanel)
            await pilot.press("right", "right", "shift+right", "left")
            assert panel.lever_at == 0.76
            shown = figures(app)
            assert (shown["threshold"]["moved"], shown["threshold"]["change"]) == ("0.76", "+0.06")
            assert float(shown["captured"]["moved"].split()[0]) < 25.0
            assert [line.value for line in app.screen.query_one(Histogram)._thresholds] == [0.7, 0.76]
            await pilot.press("0")
            assert panel.lever_at == 0.70
            assert figures(app)["captured"]["moved"] == ""

    async def test_it_stops_at_both_ends(self, source: StoreSource) -> None:
        async with pane(source, target="layer:keyword") as (app, pilot):
            panel = app.top_panel
            assert isinstance(panel, LayerPanel)
            await pilot.press(*["shift+right"] * 5)
            assert panel.lever_at == 1.0
            await pilot.press(*["shift+left"] * 25)
            assert panel.lever_at == 0.0
            assert figures(app)["captured"]["moved"] == "100 %"

    async def test_moving_writes_nothing(self, source: StoreSource) -> None:
        tables = ("routes", "verdicts", "layers", "plans", "changes")
        counts = [source.database.read(f"SELECT COUNT(*) FROM {name}") for name in tables]
        async with pane(source, target="layer:semantic") as (_, pilot):
            await pilot.press("left", "shift+left", "right")
        assert [source.database.read(f"SELECT COUNT(*) FROM {name}") for name in tables] == counts

    async def test_the_last_resort_has_no_lever(self, source: StoreSource) -> None:
        async with pane(source, target="layer:clarification") as (app, pilot):
            await until(pilot, lambda: "no threshold to move" in screen_text(app))
            await pilot.press("left")
            assert figures(app) == {}

    async def test_a_log_that_cannot_be_read_is_told(self) -> None:
        answers = Answers(cascade=cascade(), layer=layer_view())
        async with pane(Source(answers), target="layer:semantic") as (app, pilot):
            await until(pilot, lambda: "database" in screen_text(app))  # a fake source has none
            assert app.is_running

    async def test_the_study_is_made_once(self, source: StoreSource, monkeypatch: pytest.MonkeyPatch) -> None:
        from fedtop.views.layer import panel as module

        loads: list[DecisionLog] = []
        load = module.load_log
        monkeypatch.setattr(module, "load_log", lambda *args: loads.append(load(*args)) or loads[-1])
        async with pane(source, target="layer:semantic") as (app, pilot):
            for _ in range(3):
                app.demand()
                await pilot.pause()
            await app.workers.wait_for_complete()
            assert len(loads) == 1
            await pilot.press("w")
            await until(pilot, lambda: len(loads) == 2)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert len(loads[1]) == ROUTES
            assert figures(app)["captured"]["now"] == "25.0 %"

    @pytest.mark.parametrize("size", SIZES)
    async def test_every_size_shows_histogram_and_readings(self, source: StoreSource, size: tuple[int, int]) -> None:
        async with pane(source, size=size, target="layer:semantic") as (app, pilot):
            await pilot.press("left")
            text = screen_text(app)
            for word in ("captured", "accuracy", "latency", "clarify", "not known", "change", "right", "0.69"):
                assert word in text, word

    async def test_a_short_pane_turns_over(self, source: StoreSource) -> None:
        async with pane(source, size=(80, 24), target="layer:semantic") as (app, pilot):
            assert "ECE" not in screen_text(app)
            await pilot.press("v")
            text = screen_text(app)
            assert "ECE" in text
            assert "would have been correct" in text
            await pilot.press("v", "down", "enter")
            await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "why")


def why_source(answer: Any, store: Store | None = None) -> Source:
    answers = Answers(cascade=cascade(), why=answer, layers_seen=(("keyword", 1, 0.85), ("clarification", 9, 1.0)))
    source = Source(answers)
    if store is not None:
        source.recorder = store.recorder  # type: ignore[attr-defined]
    return source


def verdict(store: Store, route: str) -> tuple[Any, ...]:
    (row,) = store.database.read("SELECT correct, correct_agent FROM routes WHERE id = ?", (route,))
    return row


class TestWhy:
    async def test_a_decision_of_a_real_store(self, source: StoreSource) -> None:
        async with pane(source, target="why:route-0001") as (app, pilot):
            # The second layer takes it: keyword asked and passed, two more never reached.
            text = screen_text(app)
            for words in ("passed on", "accepted", "not reached", "not graded", "claude", "−0.200"):
                assert words in text, words
            await pilot.press("m", "w")
            await app.workers.wait_for_complete()
            await until(pilot, lambda: "✖ wrong" in screen_text(app))

    async def test_the_ladder(self) -> None:
        async with pane(why_source(why()), target="why:route-0") as (app, _):
            text = screen_text(app)
            for words in ("fix the login", "keyword", "passed on", "accepted", "not reached", "policy 3", "−0.030"):
                assert words in text, words
            assert app.screen.query_one("#why-ladder", LiveTable).model.order == [
                "keyword",
                "semantic",
                "rag",
                "clarification",
            ]

    async def test_gone(self) -> None:
        async with pane(why_source(None), target="why:route-0") as (app, pilot):
            assert "not in the store" in screen_text(app)
            await pilot.press("y")
            assert app.is_running

    @pytest.mark.parametrize(("key", "correct"), [("r", 1), ("w", 0)])
    async def test_one_key_grades(self, seeded_store: Store, source: StoreSource, key: str, correct: int) -> None:
        assert verdict(seeded_store, "route-0001")[0] is None
        async with pane(source, target="why:route-0001") as (app, pilot):
            await pilot.press("m", key)
            await app.workers.wait_for_complete()
            await pilot.pause()
        assert verdict(seeded_store, "route-0001")[0] == correct

    async def test_naming_the_right_agent(self, seeded_store: Store, source: StoreSource) -> None:
        async with pane(source, target="why:route-0001") as (app, pilot):
            await pilot.press("m", "a", *"codex", "enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert not isinstance(app.screen, MarkScreen)
        assert verdict(seeded_store, "route-0001") == (0, "codex")

    async def test_naming_can_be_left(self, seeded_store: Store, source: StoreSource) -> None:
        async with pane(source, target="why:route-0001") as (app, pilot):
            await pilot.press("m", "a", *"cod", "escape", "escape")
            await pilot.pause()
            assert isinstance(app.top_panel, WhyPanel)
            assert app.screen.focused is app.top_panel
        assert verdict(seeded_store, "route-0001")[0] is None

    async def test_read_only_grades_nothing(self, seeded_store: Store) -> None:
        source = why_source(why(), seeded_store)
        async with pane(source, target="why:route-0001", readonly=True) as (app, pilot):
            await pilot.press("m", "r", "y", "n", "c")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert not isinstance(app.screen, MarkScreen)
            assert "correct agent" not in screen_text(app)
        assert verdict(seeded_store, "route-0001")[0] is None

    async def test_hostile_decision(self) -> None:
        view = why(
            decision=decision(description=HOSTILE, agent=HOSTILE, task_id=HOSTILE),
            steps=(step(HOSTILE, 0.5, 0.4, agent=HOSTILE, error_class=HOSTILE),), now_agent=HOSTILE, now_layer=HOSTILE,
        )  # fmt: skip
        async with pane(why_source(view), target=f"why:{HOSTILE}", size=(80, 24)) as (app, _):
            text = screen_text(app)
            assert "\x1b" not in text
            assert "\u202e" not in text

"""A pane over a reader that answers from values, and a wait for what its thread brings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedstore.window import Window
from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from tests.federation import NOW_MS
from tests.tui.frames import HOSTILE, screen_text, until

if TYPE_CHECKING:
    from textual.pilot import Pilot

__all__ = ["HOSTILE", "WINDOW", "Answers", "Source", "drilled", "pane", "screen_text", "until"]

WINDOW = Window.ending("24h", NOW_MS)


class Answers:
    """A reader whose methods return what they were given (a value, or a function of the arguments)."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.token = 1
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def change_token(self) -> int:
        return self.token

    def newest_ms(self, topic: str = "any", name: str = "") -> int:
        return NOW_MS

    def last_recorded_ms(self) -> int:
        return NOW_MS

    def window(self, label: str, at_ms: int) -> Window:
        return Window.ending(label, at_ms)

    def kept(self, window: Window) -> Window:
        return window

    def __getattr__(self, name: str) -> Any:
        answers: dict[str, Any] = self.__dict__["answers"]
        if name not in answers:
            raise AttributeError(name)

        def answer(*args: Any) -> Any:
            self.asked.append((name, args))
            found = answers[name]
            return found(*args) if callable(found) else found

        return answer


class Source:
    """What the pane reads, without a store."""

    path = Path("fake.db")

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def reader(self) -> Any:
        return self._reader


@asynccontextmanager
async def pane(
    source: Any, *, tab: str = "cascade", size: tuple[int, int] = (120, 40), target: str = "", **options: Any
) -> AsyncIterator[tuple[FedtopApp, Pilot[Any]]]:
    """The pane with its tab (and a drill-down on top of it) read and shown."""
    settings = {"clock": lambda: NOW_MS, "tz": UTC, "interval_s": 60.0, "tab": tab, **options}
    app = FedtopApp(source, AppOptions(**settings))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.shown, f"{tab} is shown")
        if target:
            assert app.open_target(target)
            await drilled(app, pilot, target.partition(":")[0])
        yield app, pilot


async def drilled(app: FedtopApp, pilot: Pilot[Any], panel_id: str) -> None:
    """Waits until a drill-down is on top, shown, and its workers are done."""
    await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == panel_id, panel_id)
    await until(pilot, lambda: app.top_panel is not None and app.top_panel.shown, f"{panel_id} is shown")
    await app.workers.wait_for_complete()
    await pilot.pause()

"""A pane over a real store with a pinned clock, and waits for what the poller's thread brings."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from fedtop.widgets.header import HeaderLine
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

HOSTILE = "[/b]\x1b[31m\u202eевil=1 👩‍👩‍👧" + "x" * 150


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str = "") -> None:
    """Lets the pane go on until something is so; fails after ten seconds."""
    for _ in range(1_000):
        await pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never came about: {what or condition}")


@asynccontextmanager
async def running(
    source: Any, clock: Callable[[], int], *, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[tuple[FedtopApp, Pilot[Any]]]:
    """The pane once it has its first answer (or its first failure)."""
    settings = {"interval_s": 0.5, "tz": UTC, "clock": clock, **options}
    app = FedtopApp(source, AppOptions(**settings))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: not app.fresh.never_read or app.fresh.problem, "a first answer")
        await pilot.pause()
        yield app, pilot


async def read_anew(app: FedtopApp, pilot: Pilot[Any]) -> None:
    """Waits for the answer to what was last asked."""
    await until(pilot, lambda: app.answered == app.asked, "an answer")


def header(app: FedtopApp) -> str:
    """The header's line."""
    return app.base.query_one(HeaderLine).paint(app.size.width, 1)[0].plain


def screen_text(app: FedtopApp) -> str:
    """All lines of the screen as text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])


def table(app: FedtopApp, selector: str) -> LiveTable:
    """A table of the screen on top."""
    return app.screen.query_one(selector, LiveTable)

"""Where the keyboard is can be seen, and it is never where there is nothing to do."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll

from fedstore.store import Store
from fedtop.views.section import Section
from fedtop.widgets.live_table import LiveTable
from tests.conftest import Clock
from tests.tui.frames import running, screen_text, until


def marked(app) -> set[str]:
    """The ids of the sections whose title is marked."""
    titles = {section.id: section.query("SectionTitle").first().paint(40, 1)[0].plain for section in sections(app)}
    return {name for name, title in titles.items() if not title.startswith(" ")}


def sections(app) -> list[Section]:
    return list(app.screen.query(Section))


def around(app) -> set[str]:
    """The ids of the sections around what has the keyboard."""
    return {node.id for node in app.focused.ancestors if isinstance(node, Section)} if app.focused else set()


@pytest.mark.parametrize("tab", ["overview", "agents", "cascade", "costs", "tools"])
async def test_the_part_with_the_keyboard_is_marked(seeded_store: Store, clock: Clock, tab: str) -> None:
    async with running(seeded_store, clock, tab=tab, size=(200, 50)) as (app, pilot):
        first, seen = app.focused, set()
        assert first is not None
        for _ in range(12):
            await until(pilot, lambda: marked(app) == around(app), "the mark is where the keyboard is")
            seen |= marked(app)
            await pilot.press("tab")
            if app.focused is first:
                break
        assert app.focused is first
        assert seen


@pytest.mark.parametrize(("ascii_only", "title"), [(False, "▌agents ─"), (True, ">agents -")])
async def test_the_mark_needs_no_colour(seeded_store: Store, clock: Clock, ascii_only: bool, title: str) -> None:
    async with running(seeded_store, clock, ascii=ascii_only) as (app, pilot):
        await until(pilot, lambda: title in screen_text(app))
        await pilot.press("tab")
        await until(pilot, lambda: title not in screen_text(app))


@pytest.mark.parametrize("tab", ["overview", "cascade", "costs", "tools"])
async def test_what_is_empty_does_not_take_the_keyboard(store: Store, clock: Clock, tab: str) -> None:
    store.writer().write([{"kind": "run", "agent": "kimi", "at": clock.now_ms}])
    async with running(store, clock, tab=tab, size=(200, 50)) as (app, pilot):
        tables = [table for table in app.screen.query(LiveTable) if table.can_focus]
        assert [table for table in tables if not table.model.rows]
        for _ in range(12):
            await pilot.press("tab")
            await pilot.pause()
            if isinstance(app.focused, LiveTable):
                assert app.focused.model.rows
            elif isinstance(app.focused, VerticalScroll):
                assert app.focused.max_scroll_y > 0


async def test_a_filter_that_hides_every_row_leaves_the_keyboard_where_it_is(seeded_store: Store, clock: Clock) -> None:
    async with running(seeded_store, clock, tab="costs") as (app, pilot):
        before = app.focused
        await pilot.press("slash", *"no such thing", "enter")
        await until(pilot, lambda: app.focused is before)
        assert before.row_count == 0
        await pilot.press("d")
        assert app.top_panel.args["dimension"] != "model"

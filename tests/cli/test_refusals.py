"""Refused facts are seen where people look, and each of them is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fedstore import Store, Window, diagnose
from tests.cli.conftest import Run
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.tui.frames import running, screen_text, until

WRONG = {"kind": "route", "agent": "kimi", "layer": "keyword", "attempts": [{"layer": "keyword", "Success": True}]}
LINE = "50 facts were refused, the newest: attempts.0.Success: unknown field"


@pytest.fixture
def refusing(store: Store) -> Store:
    recorder = store.recorder()
    for _ in range(50):
        recorder.record(WRONG)
    assert recorder.refused == 50
    return store


def test_equal_ones_count_each(refusing: Store) -> None:
    found = refusing.reader().overview(Window.ending("24h", NOW_MS))
    assert found.rejected == 50
    assert [(item.severity, item.text[: len(LINE)], item.target) for item in found.attention] == [
        ("warn", LINE, "doctor")
    ]
    told = next(finding for finding in diagnose(refusing.path) if finding.topic == "rejects")
    assert "50 facts were refused" in told.message


def test_the_newest_reason_is_told(refusing: Store, clock: Clock) -> None:
    clock.advance(1_000)
    refusing.recorder().record({"kind": "run", "agent": "kimi", "success": "perhaps"})
    found = refusing.reader().refusals()
    assert found is not None
    assert (found.count, found.reason.partition(":")[0]) == (51, "success")
    clock.advance(1_000)
    refusing.recorder().record(WRONG)
    found = refusing.reader().refusals()
    assert found is not None
    assert (found.count, found.told_ms) == (52, clock.now_ms)
    assert found.reason.startswith("attempts.0.Success")


async def test_an_empty_store_says_what_was_refused(refusing: Store, clock: Clock) -> None:
    async with running(refusing, clock) as (app, pilot):
        await until(pilot, lambda: LINE in screen_text(app), "the line")
        assert "Nothing recorded yet" in screen_text(app)
        refusing.writer().write([{"kind": "run", "agent": "kimi"}])
        await pilot.press("r")
        await until(pilot, lambda: app.screen.query("#attention"), "the overview")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: app.top_panel is not None and app.top_panel.panel_id == "alarms")
        await until(pilot, lambda: LINE in screen_text(app), "the alarm")


def test_so_does_what_is_printed(run: Run, ask: Callable[..., Any], refusing: Store) -> None:
    shown = run("top", "--once").stdout
    assert shown.startswith(LINE) or LINE in shown
    refusing.writer().write([{"kind": "run", "agent": "kimi"}])
    assert ask("dashboard")["overview"]["rejected"] == 50
    assert LINE[:40] in run("dashboard").stdout

"""What header and notice say about the data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from fedtop import state
from fedtop.about import About
from fedtop.glyphs import UNICODE
from fedtop.state import ViewState
from fedtop.status import Freshness, header_of, notice_of, shows_nothing
from fedtop.widgets.header import HeaderData

NOW = 1_773_146_096_789  # 2026-03-10 12:34:56.789 UTC
DAY = 86_400_000
FRESH = Freshness(
    answered_ms=NOW, newest_ms=NOW + 3_000, recorded_ms=NOW - 1_000, never_read=False, newest_about_ms=NOW + 3_000
)  # fmt: skip
VIEW = ViewState(interval_s=2.0)


def shown(view: ViewState, fresh: Freshness, now: int = NOW) -> HeaderData:
    return header_of(view, fresh, now, tabs=(("a", "A"),), store="fedtop.db", tz=UTC)


def test_live_shows_interval_and_age() -> None:
    header = shown(VIEW, FRESH)
    assert (header.feed, header.detail, header.age, header.window) == ("live", "2s", "1s", "24h")


def test_age_is_that_of_the_fact_for_imported_history() -> None:
    imported = replace(FRESH, newest_ms=NOW - 3 * DAY, recorded_ms=NOW - 1_000)
    assert imported.age_s(NOW) == 3 * 86_400
    assert shown(VIEW, imported).age == "3d"


def test_an_empty_store_has_no_age() -> None:
    assert shown(VIEW, Freshness(NOW)).age == ""


def test_a_clock_set_back_gives_no_negative_age() -> None:
    assert FRESH.age_s(NOW - DAY) == 0


def test_paused_says_since_when() -> None:
    header = shown(state.paused(VIEW, NOW), FRESH, NOW + 60_000_000)
    assert (header.feed, header.detail, header.age) == ("paused", "12:34", "")


def test_time_travel_says_as_of_when() -> None:
    header = shown(state.jumped(VIEW, NOW - DAY), FRESH)
    assert (header.feed, header.detail) == ("as_of", "9 Mar 12:34")


@pytest.mark.parametrize(("silence", "feed"), [(9_000, "live"), (11_000, "stale")])
def test_silence_of_the_store_is_stale(silence: int, feed: str) -> None:
    assert shown(VIEW, replace(FRESH, answered_ms=NOW - silence)).feed == feed


def test_a_long_interval_is_no_silence() -> None:
    slow = replace(VIEW, interval_s=60.0)
    assert shown(slow, replace(FRESH, answered_ms=NOW - 100_000)).feed == "live"
    assert shown(slow, replace(FRESH, answered_ms=NOW - 190_000)).feed == "stale"


def test_a_failure_is_stale_at_once_even_when_paused() -> None:
    broken = replace(FRESH, problem="locked", answered_ms=NOW - 40_000)
    assert shown(VIEW, broken).feed == "stale"
    assert shown(VIEW, broken).detail == "40 s"
    assert shown(state.paused(VIEW, NOW), broken).feed == "stale"


def test_the_window_is_that_of_the_figures() -> None:
    assert shown(VIEW, replace(FRESH, window="24h")).window == "24h"
    assert shown(VIEW, replace(FRESH, window="2d")).window == "2d for 24h"


def test_readonly_is_said() -> None:
    header = header_of(VIEW, FRESH, NOW, tabs=(), store="fedtop.db", tz=UTC, readonly=True)
    assert header.store == "fedtop.db read-only"


def notice(view: ViewState, fresh: Freshness) -> str:
    return notice_of(view, fresh, NOW, UTC, UNICODE).plain


def test_no_notice_while_all_is_well() -> None:
    assert notice(VIEW, FRESH) == ""
    assert notice(VIEW, Freshness(NOW)) == ""


def test_history_offers_the_window_that_ends_at_the_newest_fact() -> None:
    old = replace(FRESH, newest_about_ms=NOW - 40 * DAY)
    assert shows_nothing(VIEW, old, NOW)
    assert "29 Jan 12:34" in notice(VIEW, old)
    assert "h shows the 24h" in notice(VIEW, old)
    assert not shows_nothing(state.jumped(VIEW, NOW - 40 * DAY), old, NOW)
    assert not shows_nothing(ViewState(window="all"), old, NOW)


def test_history_is_that_of_what_the_view_tells_of() -> None:
    """Decisions of last year beside runs of today; tools are trusted for the 30 days before any window."""
    decisions = replace(FRESH, about=About("layer"), newest_about_ms=NOW - 100 * DAY)
    assert "The newest decision is from 30 Nov 2025 12:34, before this window.  h shows the 24h" in notice(
        VIEW, decisions
    )
    assert notice(VIEW, replace(decisions, newest_about_ms=None)) == ""
    tools = replace(FRESH, about=About("tool", "grep"), newest_about_ms=NOW - 20 * DAY)
    assert notice(VIEW, tools) == ""
    said = notice(VIEW, replace(tools, newest_about_ms=NOW - 31 * DAY))
    assert "The newest execution of grep" in said
    assert "h shows the 30d" in said
    plan = replace(FRESH, about=About("layer", span="7d"), newest_about_ms=NOW - 6 * DAY)
    assert notice(VIEW, plan) == ""
    assert "h shows the 7d" in notice(VIEW, replace(plan, newest_about_ms=NOW - 8 * DAY))


def test_a_problem_is_said_before_history_and_without_escapes() -> None:
    broken = replace(FRESH, newest_ms=NOW - 40 * DAY, problem="disk \x1b[31mfull")
    assert "disk full" in notice(VIEW, broken)
    assert "showing what was read before" in notice(VIEW, broken)
    assert "nothing could be read yet" in notice(VIEW, replace(broken, never_read=True))
    unseen = notice_of(VIEW, broken, NOW, UTC, UNICODE, shown=False).plain
    assert "nothing could be read yet" in unseen  # of this view, whatever another one shows

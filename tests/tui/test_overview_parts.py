"""The overview's tiles, charts and lists as pure functions of the read model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.queries.models import (
    ActiveRun,
    Durations,
    FeedItem,
    LayerRow,
    MatrixCell,
    Money,
    Overview,
    Rate,
    SeriesPoint,
)
from fedstore.window import Window
from fedtop.fields import KEY_GAP, Locale
from fedtop.values import rate_cell, short_rate, span, success_style
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
from fedtop.views.overview.parts import slots, spend_chart, throughput_chart, tiles
from fedtop.views.section import paint_title
from fedtop.widgets.table_model import Row, plain
from tests.federation import NOW_MS

HOUR = 3_600_000
WINDOW = Window.ending("24h", NOW_MS)
NANO = 10**9
EMPTY = Overview(
    window=WINDOW, tasks=0, success=Rate(0, 0), success_before=Rate(0, 0), active=(), jobs_active=(),
    tasks_per_minute=0.0, durations=Durations(), cost=Money(), cost_today=Money(), cost_month=Money(),
    month_projected_nano=None, tokens=0, health="unknown", attention=(), series=(), step_ms=HOUR // 2,
    agents=(), task_types=(), layers=(), feed=(), lost=0, rejected=0, newest_ms=None,
)  # fmt: skip


def text_of(value: object) -> str:
    return plain(value)  # type: ignore[arg-type]


def test_nothing_known_is_nothing_claimed() -> None:
    found = tiles(EMPTY, NOW_MS)
    assert found["success"].value is None
    assert found["success"].state == "unknown"
    assert found["duration"].state == "unknown"
    assert found["tokens"].value is None
    assert found["health"].state == "unknown"
    assert throughput_chart(EMPTY.series, WINDOW, HOUR) is None
    assert spend_chart(EMPTY.series, WINDOW, HOUR) is None


def test_success_says_its_interval_and_its_change() -> None:
    tile = tiles(replace(EMPTY, success=Rate(894, 1000), success_before=Rate(90, 100)), NOW_MS)["success"]
    assert tile.value == "89.4 %"
    assert tile.side == "−0.6 pt"
    assert tile.sub == "87.3–91.2"
    assert tile.state == "ok"


@pytest.mark.parametrize(("hits", "state"), [(95, "ok"), (75, "warn"), (50, "alert")])
def test_success_alarms_only_when_the_whole_interval_says_so(hits: int, state: str) -> None:
    assert tiles(replace(EMPTY, success=Rate(hits, 100)), NOW_MS)["success"].state == state
    assert success_style(Rate(1, 5)) == ""


def test_pace_is_told_in_the_unit_that_reads() -> None:
    assert tiles(replace(EMPTY, tasks_per_minute=0.9), NOW_MS)["tasks"].sub == "54/h"
    assert tiles(replace(EMPTY, tasks_per_minute=561.0), NOW_MS)["tasks"].sub == "561/min"
    assert tiles(replace(EMPTY, tasks_per_minute=5 / 43_200), NOW_MS)["tasks"].sub == "0.2/d"
    assert tiles(replace(EMPTY, tasks_per_minute=2.04), NOW_MS)["tasks"].sub == "2.0/min"


def run(state: str, seen: int, name: str = "kimi") -> ActiveRun:
    return ActiveRun(f"{name}-{seen}", name, "code", state, "permission", NOW_MS - 900_000, NOW_MS - seen)


def test_now_counts_and_warns_of_long_waits() -> None:
    busy = replace(EMPTY, active=(run("running", 1_000), run("waiting", 60_000)))
    tile = tiles(busy, NOW_MS)["now"]
    assert (tile.title, tile.value, tile.side, tile.state) == ("1 waits", "60 s", "1 running", "ok")
    assert tile.sub == "kimi: permission", "who waits, and for what"
    assert tiles(busy, NOW_MS + 180_000)["now"].state == "warn"
    both = replace(EMPTY, active=(run("waiting", 60_000), run("waiting", 240_000, "codex")))
    tile = tiles(both, NOW_MS)["now"]
    assert (tile.title, tile.value, tile.sub) == ("2 wait", "4 min", "codex: permission"), "the longest waiting"


def test_a_run_that_was_long_silent_does_not_run() -> None:
    silent = replace(EMPTY, active=(run("running", 1_000), run("running", 600_000, "codex")))
    tile = tiles(silent, NOW_MS)["now"]
    assert (tile.value, tile.sub) == ("1 running", "1 silent")


def test_now_of_the_past_is_not_known() -> None:
    busy = replace(EMPTY, active=(run("running", 1_000),))
    past = replace(busy, window=replace(WINDOW, live=False))
    assert tiles(past, NOW_MS)["now"].value is None


def test_cost_says_what_it_rests_on() -> None:
    today = replace(
        EMPTY, cost_today=Money(12_340_000_000, 1), cost_month=Money(40 * NANO), month_projected_nano=371 * NANO
    )
    tile = tiles(today, NOW_MS)["cost"]
    assert text_of(tile.value) == "$12.34 ~"
    assert tile.sub == "month → $371"
    unpriced = Money(unpriced_calls=2, unpriced_tokens=10)
    hidden = tiles(replace(EMPTY, cost_today=unpriced, cost_month=unpriced), NOW_MS)["cost"]
    assert (text_of(hidden.value).strip(), hidden.sub) == ("?", "month ?")
    bound = replace(EMPTY, cost_today=Money(0, 12_340_000_000, at_least_calls=1, calls=3))
    assert text_of(tiles(bound, NOW_MS)["cost"].value) == "$12.34 ≥"
    nothing = tiles(EMPTY, NOW_MS)["cost"]  # nobody told of a call: that is not $0.00
    assert (text_of(nothing.value).strip(), nothing.sub) == ("–", "month –")


def test_a_moment_in_the_past_has_a_day_of_its_own() -> None:
    past = replace(EMPTY, window=Window.ending("24h", NOW_MS, live=False))
    assert [tiles(data, NOW_MS)["cost"].title for data in (EMPTY, past)] == ["", "cost that day"]


def test_health_counts_what_needs_attention() -> None:
    found = replace(EMPTY, health="warn", attention=(("warn", "x", "agent:x"), ("info", "y", "agent:y")))
    tile = tiles(found, NOW_MS)["health"]
    assert (text_of(tile.value), tile.sub, tile.state) == ("▲ degraded", "1 alarm", "warn")


def points(*values: tuple[int, int]) -> tuple[SeriesPoint, ...]:
    return tuple(SeriesPoint(start, ok=value) for start, value in values)


def test_slots_fill_the_gaps_with_zero() -> None:
    start = WINDOW.start_ms - WINDOW.start_ms % HOUR
    series = points((start + 2 * HOUR, 5), (start + 3 * HOUR, 1), (start + 7 * HOUR, 2))
    values = slots(series, WINDOW, HOUR, lambda point: point.ok)
    assert values[2:8] == [5, 1, 0, 0, 0, 2]
    assert len(values) == 25  # the window begins and ends inside an hour


@given(st.sets(st.integers(0, 47), min_size=2), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_slots_lose_nothing(places: set[int], step: int) -> None:
    width = step * 600_000
    first = WINDOW.start_ms - WINDOW.start_ms % width
    series = points(*((first + place * width, place + 1) for place in sorted(places)))
    window = replace(WINDOW, end_ms=max(WINDOW.end_ms, series[-1].start_ms + 60_000))
    assert sum(slots(series, window, width, lambda point: point.ok)) == sum(place + 1 for place in places)


def test_a_slot_is_as_long_as_the_store_says_however_few_have_facts() -> None:
    start = WINDOW.start_ms - WINDOW.start_ms % HOUR
    for places in ((5,), (2, 12), (2, 4, 7)):
        values = slots(points(*((start + place * HOUR, 1) for place in places)), WINDOW, HOUR, lambda point: point.ok)
        assert [place for place, value in enumerate(values) if value] == list(places)
        assert len(values) == 25


def test_a_chart_covers_the_whole_days_that_are_all_that_is_kept() -> None:
    day = 24 * HOUR
    first = WINDOW.start_ms - WINDOW.start_ms % day
    chart = throughput_chart(points((first, 3), (first + day, 4)), WINDOW, day)
    assert chart is not None
    assert (chart.start_ms, chart.end_ms) == (first, first + 2 * day)
    assert chart.series[0].values == (3, 4)


def test_all_time_begins_at_the_first_fact() -> None:
    window = Window.ending("all", NOW_MS)
    series = points((NOW_MS - NOW_MS % HOUR - 3 * HOUR, 1), (NOW_MS - NOW_MS % HOUR, 4))
    assert slots(series, window, 3 * HOUR, lambda point: point.ok) == [1, 4]
    chart = throughput_chart(series, window, 3 * HOUR)
    assert chart is not None
    assert chart.start_ms == series[0].start_ms


def test_throughput_shows_only_results_there_are() -> None:
    series = (SeriesPoint(WINDOW.start_ms, ok=3), SeriesPoint(WINDOW.start_ms + HOUR, ok=1, failed=2))
    chart = throughput_chart(series, WINDOW, HOUR)
    assert chart is not None
    assert [line.name for line in chart.series] == ["ok", "failed"]


def test_attention_keeps_its_order_and_its_target() -> None:
    data = replace(EMPTY, attention=(("alert", "[/b] budget", "tab:costs"), ("warn", "codex", "agent:co|dex")))
    rows = ATTENTION.rows(attention_lines(data), Locale())
    assert [row.key.partition(KEY_GAP)[2] for row in rows] == ["tab:costs", "agent:co|dex"]
    assert plain(rows[0].cells["what"]) == "✖ [/b] budget"


def test_the_feed_tells_good_bad_and_unknown_apart() -> None:
    items = [FeedItem(NOW_MS, ok, "kimi", "code", 22_000, "", f"r{ok}") for ok in (True, False, None)]

    def rows(window: Window) -> list[Row]:
        return FEED.rows(items, Locale(window=window))

    assert [plain(row.cells["agent"])[0] for row in rows(Window.ending("24h", NOW_MS))] == ["●", "✖", "◌"]
    for label, shown in {"1h": "12:34:56", "24h": "12:34:56", "25h": "10 Mar 12:34", "all": "10 Mar 12:34"}.items():
        assert plain(rows(Window.ending(label, NOW_MS))[0].cells["ended_ms"]) == shown
    later = Window.ending("all", NOW_MS + 365 * 24 * HOUR)
    told = plain(rows(later)[0].cells["ended_ms"])
    assert told == "10 Mar 2026 12:34", "a year that is not told is this one"


def test_runs_that_wait_come_first() -> None:
    data = replace(EMPTY, active=(run("running", 5, "a"), run("waiting", 5, "b")))
    rows = NOW.rows(by_urgency(data.active), Locale(now_ms=NOW_MS))
    assert [plain(row.cells["agent"]) for row in rows] == ["▲ b", "● a"]
    assert plain(rows[0].cells["state"]) == "waits for permission"
    assert plain(rows[0].cells["started_ms"]) == "12:19:56"


def test_a_run_not_heard_of_for_long_is_not_called_running() -> None:
    data = replace(EMPTY, active=(run("running", 26 * HOUR, "a"),))
    (row,) = NOW.rows(data.active, Locale(now_ms=NOW_MS + 25 * HOUR))
    assert plain(row.cells["agent"]) == "◌ a"
    assert plain(row.cells["state"]) == "silent for 2 d"
    assert plain(row.cells["started_ms"]) == "10 Mar 12:19"


def test_task_types_are_measured_against_the_most_frequent() -> None:
    cells = [MatrixCell("", "code", Rate(9, 10), 40), MatrixCell("", "", Rate(0, 0), 10)]
    rows = TYPES.rows(type_lines(cells), Locale())
    assert [row.cells["bar"].fraction for row in rows] == [1.0, 0.25]  # type: ignore[union-attr]
    assert plain(rows[1].cells["task_type"]) == "(none)"
    assert rows[1].cells["success"] is None


def test_the_strip_marks_missed_targets_and_thin_evidence() -> None:
    layer = LayerRow(
        "keyword", 0, 10, Rate(3, 10), Rate(3, 10), 0.9, Durations(), Rate(2, 3), 0, 0.85, "> 30 %", "alert"
    )
    calm = replace(layer, name="rag", captured=Rate(1, 10), accuracy=Rate(8, 9), target_status="ok")
    blank = replace(layer, name="pytorch", captured=Rate(0, 0), accuracy=Rate(0, 0), target_status="")
    rows = FUNNEL.rows([layer, calm, blank], Locale())
    assert [plain(row.cells["accuracy"]).strip() for row in rows] == ["66.7 % ✖", "88.9 % ·", "–"]
    assert [plain(row.cells["captured"]) for row in rows] == ["30.0 %", "10.0 %", "–"]
    assert [row.cells["bar"].fraction for row in rows] == [0.3, 0.1, None]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("ms", "text"), [(60_000, "1 min"), (1_800_000, "30 min"), (21_600_000, "6 h"), (86_400_000, "1 d")]
)
def test_spans_have_one_unit(ms: int, text: str) -> None:
    assert span(ms) == text


def test_rates_without_judgement_are_unknown() -> None:
    assert rate_cell(Rate(0, 0)) is None
    assert short_rate(Rate(0, 0)) is None
    assert plain(short_rate(Rate(2, 3))).endswith("·")


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 80))
@settings(max_examples=80, deadline=None)
def test_a_section_title_never_outgrows_its_line(title: str, note: str, width: int) -> None:
    from rich.cells import cell_len

    assert cell_len(paint_title(title, note, width, "─").plain) <= width

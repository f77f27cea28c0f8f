"""Charts as text: sizes, zero-based heights, axes that say the truth, and the same picture twice."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from fedtop.format import ASCII, UNICODE
from fedtop.widgets.area_chart import AreaChart, AreaData, AreaLook, Series, paint_area
from fedtop.widgets.axes import Scale, time_ticks
from fedtop.widgets.canvas import Canvas
from fedtop.widgets.histogram import Bin, Histogram, Threshold, paint_histogram
from fedtop.widgets.reliability import Reliability, ReliabilityBin, paint_reliability

BERLIN = ZoneInfo("Europe/Berlin")
START = int(datetime(2026, 11, 26, 15, 0, tzinfo=BERLIN).timestamp() * 1000)
DAY = 86_400_000
SIZES = [(80, 12), (120, 10), (200, 16), (30, 6)]


def eighths(lines, x):
    """The height of a column in eighths, read back from the picture."""
    return sum(UNICODE.rows.index(line[x]) for line in lines if line[x] in UNICODE.rows)


def chart(values, width=60, height=10, **look):
    data = AreaData(START, START + DAY, (Series("ok", tuple(values)),))
    return [t.plain for t in paint_area(data, width, height, AreaLook(BERLIN, **look), UNICODE)]


@given(st.floats(1e-6, 1e15), st.integers(1, 40), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_scale_holds_the_peak_with_round_ticks_on_row_edges(peak, rows, whole):
    scale = Scale.over(peak, rows, whole)
    assert scale.top >= peak * (1 - 1e-9)
    assert scale.ticks(rows)[0] == (0, 0)
    assert all(math.isclose(value / scale.top, above / rows, abs_tol=1e-9) for above, value in scale.ticks(rows))
    digits = f"{scale.step:.6e}".split("e")[0].rstrip("0").rstrip(".")
    assert digits in {"1", "2", "2.5", "3", "4", "5", "6", "8"}
    assert not whole or scale.step == int(scale.step)


@pytest.mark.parametrize("peak", [0, -3, math.nan, math.inf])
def test_a_scale_without_a_peak_still_has_an_axis(peak):
    assert Scale.over(peak, 8).top >= 1


@given(st.integers(60_000, 400 * DAY), st.integers(10, 200))
@settings(max_examples=100, deadline=None)
def test_time_ticks_are_round_and_apart(span, width):
    ticks = time_ticks(START, START + span, width, BERLIN)
    assert [t for t in ticks if not START <= t.at <= START + span] == []
    for tick in ticks:
        assert datetime.fromtimestamp(tick.at / 1000, BERLIN).second == 0
    cells = [(t.at - START) / span * width for t in ticks]
    assert all(b - a >= 8 for a, b in pairwise(cells))


def test_days_are_labelled_as_days_across_a_change_of_clocks():
    start = int(datetime(2026, 10, 24, 0, 0, tzinfo=BERLIN).timestamp() * 1000)
    end = int(datetime(2026, 10, 27, 0, 0, tzinfo=BERLIN).timestamp() * 1000)
    assert [t.label for t in time_ticks(start, end, 40, BERLIN)] == ["24 Oct", "25 Oct", "26 Oct", "27 Oct"]


def test_time_ticks_need_a_span_and_a_width():
    assert time_ticks(START, START, 40, UTC) == time_ticks(START, START + DAY, 0, UTC) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_chart_fills_exactly_its_size(width, height, glyphs):
    two = (Series("ok", (1, None, 5, 9)), Series("[/foo]\x1b[31m", (0, None, 1, 2), "$alert", 2))
    pictures = [
        paint_area(AreaData(START, START + DAY, two), width, height, AreaLook(BERLIN, textured=glyphs.ascii), glyphs),
        paint_histogram(
            [Bin(i, i // 2, 1) for i in range(20)],
            [Threshold(0.7), Threshold(0.68, "moved")],
            width,
            height,
            glyphs,
        ),
        paint_reliability([ReliabilityBin(0.7, 0.6, 0.5, 0.75, 9)], 0.1, width, height, glyphs),
    ]
    assert [len(picture) for picture in pictures] == [height] * 3
    for picture in pictures:
        assert {cell_len(line.plain) for line in picture} == {width}
        assert not glyphs.ascii or all(line.plain.isascii() for line in picture)
        assert "\x1b" not in "".join(line.plain for line in picture)


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=40),
    st.integers(1, 90),
    st.integers(0, 20),
)
@settings(max_examples=80, deadline=None)
def test_no_data_and_no_size_breaks_a_chart(values, width, height):
    data = AreaData(START, START + DAY, (Series("a", tuple(values)), Series("b", tuple(reversed(values)))))
    first = [t.plain for t in paint_area(data, width, height, AreaLook(), UNICODE)]
    assert first == [t.plain for t in paint_area(data, width, height, AreaLook(), UNICODE)]
    assert len(first) == height


def test_heights_start_at_zero_and_are_exact_to_an_eighth():
    lines = chart([10, 20, 40, 80], width=52, height=10)
    gutter = lines[-2].index("┼") + 1
    plot = 52 - gutter
    rows = len(lines) - 2
    top = Scale.over(80, rows).top
    for i, value in enumerate((10, 20, 40, 80)):
        assert abs(eighths(lines[:-2], gutter + (2 * i + 1) * plot // 8) - value / top * rows * 8) <= 0.5


def test_the_tick_of_a_value_stands_where_a_column_of_that_value_ends():
    lines = chart([40], height=10)
    labelled = next(i for i, line in enumerate(lines) if line.strip().startswith("40 ┤"))
    column = [line[30] for line in lines[:-2]]
    assert column.index("█") == labelled


def test_a_little_is_visible_and_nothing_is_not():
    lines = chart([1e-9, 0, 1000], width=48)
    assert eighths(lines[:-2], 10) == 1
    assert eighths(lines[:-2], 27) == 0


def test_the_unknown_is_a_gap_that_differs_from_zero():
    lines = chart([5, None, 0], width=48)
    assert lines[-3][27] == "╌"
    assert lines[-3][45] == " "


def test_stacks_add_up_and_failures_stay_visible():
    data = AreaData(START, START + DAY, (Series("ok", (40,), "$ok"), Series("failed", (40,), "$alert", 2)))
    lines = paint_area(data, 40, 12, AreaLook(UTC, textured=True), UNICODE)
    column = [line.plain[20] for line in lines[1:-2]]
    assert column.count("█") == column.count("▒") > 0
    assert column.index("▒") < column.index("█")
    assert "ok" in lines[0].plain
    assert "failed" in lines[0].plain


def test_two_solid_colours_meet_inside_a_cell():
    data = AreaData(START, START + DAY, (Series("ok", (3,), "$ok"), Series("failed", (5,), "$alert")))
    lines = paint_area(data, 30, 5, AreaLook(UTC), UNICODE)
    styles = {str(span.style) for line in lines for span in line.spans}
    assert "$ok on $alert" in styles


def test_local_time_is_on_the_axis():
    assert "00:00" in chart([1] * 24, width=100)[-1]
    assert (
        chart([1] * 24, width=100)[-1]
        != [
            t.plain
            for t in paint_area(
                AreaData(START + 3_000_000, START + DAY, (Series("ok", (1,)),)),
                100,
                10,
                AreaLook(BERLIN),
                UNICODE,
            )
        ][-1]
    )


def histogram(bins, thresholds=(), width=60, height=11):
    return [t.plain for t in paint_histogram(bins, thresholds, width, height, UNICODE)]


@given(
    st.lists(st.builds(Bin, st.integers(0, 999), st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=60),
    st.integers(20, 140),
)
@settings(max_examples=60, deadline=None)
def test_histogram_heights_follow_the_counts(bins, width):
    lines = paint_histogram(bins, [], width, 12, UNICODE)
    assert len(lines) == 12
    drawn = any(c in "█▓▒░▁▂▃▄▅▆▇" for line in lines[1:-2] for c in line.plain[8:])
    assert drawn == any(b.total for b in bins)


def test_outcomes_differ_by_texture_not_only_by_colour():
    lines = histogram([Bin()] * 9 + [Bin(30, 30, 30)])
    x = max(line.rfind("█") for line in lines[1:-2])
    column = "".join(char for line in lines[1:-2] if (char := line[x]) in "█▒░")
    assert set(column) == {"█", "▒", "░"}
    assert column == "".join(sorted(column, key="░▒█".index))


def test_a_share_of_less_than_a_cell_is_drawn_as_much():
    lines = paint_histogram([Bin()] * 9 + [Bin(right=94, wrong=6)], [], 60, 11, UNICODE)
    two = [
        (str(span.style), line.plain[span.start]) for line in lines for span in line.spans if " on " in str(span.style)
    ]
    assert two
    assert {style for style, _ in two} == {"$ok-fill on $alert"}
    assert all(char in UNICODE.rows[1:8] for _, char in two)


@pytest.mark.parametrize("now", [0.0, 0.64, 0.66, 0.67, 0.69, 1.0])
def test_threshold_labels_never_overlap(now):
    lines = histogram([Bin(5)] * 20, [Threshold(now), Threshold(0.66, "moved")])
    assert "0.66" in lines[-1].split()
    assert f"{now:.2f}" in lines[-1].split()
    assert any("┃" in line for line in lines)
    assert now == 0.66 or any("┊" in line for line in lines)


def test_the_threshold_stands_at_its_value():
    lines = histogram([Bin(5)] * 50, [Threshold(0.5)], width=60)
    axis = lines[-2]
    left, right = axis.index("┼") + 1, len(axis.rstrip()) - 1
    assert abs((axis.index("┊") - left) / (right - left) - 0.5) < 0.02


def test_reliability_says_which_way_a_bin_errs():
    bins = [
        ReliabilityBin(0.2, 0.2, 0.1, 0.3, 9),
        ReliabilityBin(0.5, 0.2, 0.1, 0.3, 9),
        ReliabilityBin(0.8, 0.95, 0.9, 0.99, 9),
    ]
    text = "\n".join(t.plain for t in paint_reliability(bins, 0.031, 60, 20, UNICODE))
    assert [text.count(glyph) for glyph in "●▼▲"] == [1, 1, 1]
    assert "ECE 0.031" in text
    ungraded = "\n".join(
        t.plain for t in paint_reliability([ReliabilityBin(0.5, None, 0, 1, 0)], None, 60, 20, UNICODE)
    )
    assert "●" not in ungraded
    assert "ECE –" in ungraded


def test_a_whisker_spans_its_interval():
    lines = [t.plain for t in paint_reliability([ReliabilityBin(0.5, 0.5, 0.25, 0.75, 9)], None, 60, 23, UNICODE)]
    rows = [i for i, line in enumerate(lines) if "│" in line[8:] or "●" in line]
    assert len(rows) == pytest.approx(0.5 * 19 + 1, abs=1)


def test_the_canvas_clips_and_merges():
    canvas = Canvas(4, 1)
    canvas.write(2, 0, "abc", "$ok")
    canvas.put(-1, 0, "x")
    canvas.put(0, 5, "x")
    canvas.write(0, 0, "日")
    assert [line.plain for line in canvas.lines()] == ["  ab"]
    assert len(canvas.lines()[0].spans) == 1
    assert canvas.at(9, 9) == " "


class ChartApp(App):
    CSS = "Screen { layout: vertical; }"

    def compose(self):
        yield AreaChart(tz=BERLIN)
        yield Histogram()
        yield Reliability()


async def test_widgets_show_the_empty_and_then_the_data_and_redraw_only_for_news(monkeypatch):
    app = ChartApp()
    async with app.run_test(size=(80, 36)) as pilot:
        area, histogram_, reliability = (
            app.query_one(AreaChart),
            app.query_one(Histogram),
            app.query_one(Reliability),
        )
        assert area.render().plain.strip() == ""  # nothing was read yet, so nothing is said
        assert [w.render().plain.split()[0] for w in (histogram_, reliability)] == ["reading…", "reading…"]
        area.set_data(None)
        histogram_.set_data([])
        reliability.set_data([], None)
        await pilot.pause()
        assert [w.render().plain.split()[0] for w in (area, histogram_, reliability)] == ["no", "no", "no"]
        data = AreaData(START, START + DAY, (Series("ok", (1, 2, 3)),))
        area.set_data(data)
        histogram_.set_data([Bin(1, 2, 3)] * 10, [Threshold(0.5)])
        reliability.set_data([ReliabilityBin(0.5, 0.5, 0.4, 0.6, 10)], 0.1)
        await pilot.pause()
        assert "█" in area.render().plain
        assert "┊" in histogram_.render().plain
        assert "●" in reliability.render().plain
        calls = []
        for widget in (area, histogram_, reliability):
            monkeypatch.setattr(widget, "refresh", lambda *a, **k: calls.append(a))
        area.set_data(AreaData(START, START + DAY, (Series("ok", (1, 2, 3)),)))
        histogram_.set_data([Bin(1, 2, 3)] * 10, [Threshold(0.5)])
        reliability.set_data([ReliabilityBin(0.5, 0.5, 0.4, 0.6, 10)], 0.1)
        assert calls == []


def test_a_legend_shortens_its_names_before_it_leaves_any_out():
    series = tuple(Series(name, (1,)) for name in ("claude-sonnet-4-5-20250929", "gpt-5.3-codex", "kimi-k2"))
    look = AreaLook(tz=BERLIN)

    def legend(width):
        return paint_area(AreaData(START, START + DAY, series), width, 10, look, UNICODE)[0].plain.split("█")[1:]

    assert [name.strip() for name in legend(80)] == ["claude-sonnet-4-5-20250929", "gpt-5.3-codex", "kimi-k2"]
    assert [name.strip() for name in legend(55)] == ["claude-sonnet-4-5-2…", "gpt-5.3-codex", "kimi-k2"]
    assert len(legend(36)) == 3
    assert len(legend(20)) == 1


async def test_a_chart_takes_the_colours_of_another_theme_and_texture_without_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = ChartApp()
    async with app.run_test(size=(80, 36)) as pilot:
        area = app.query_one(AreaChart)
        area.set_data(AreaData(START, START + DAY, (Series("ok", (1,)), Series("failed", (1,), "$alert", 2))))
        before = area.render()
        assert "▒" in before.plain
        app.theme = "textual-light"
        await pilot.pause()
        assert area.render().plain == before.plain
        assert area.render().spans != before.spans

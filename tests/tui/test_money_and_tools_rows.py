"""What the costs and tools views say, from read models to rows: no app."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from fedstore import bytes_text
from fedstore.queries.models import CostsView, Money, Rate, SeriesPoint
from fedstore.window import Window
from fedtop.fields import Locale
from fedtop.values import money_cell
from fedtop.views.costs.columns import COSTS, DIMENSIONS, cost_lines, next_dimension
from fedtop.views.costs.parts import chart_note, spend_chart, tiles
from fedtop.views.errors import ERRORS, error_lines
from fedtop.views.text_lines import bullets, wrap_lines
from fedtop.views.tools.columns import CALLS, TOOLS, USERS
from fedtop.views.tools.parts import daily_chart, levels_line, verdict_lines
from fedtop.widgets.table_model import Row, plain
from tests.federation import HOUR, NOW_MS
from tests.tui.panes import HOSTILE, WINDOW
from tests.tui.values_of import cost, costs, tool, tool_detail

HERE = Locale()


def cost_rows(view: CostsView) -> list[Row]:
    return COSTS[view.dimension].rows(cost_lines(view), HERE)


def cells(row: Row) -> dict[str, str]:
    return {key: plain(cell) for key, cell in row.cells.items()}


class TestMoney:
    def test_marks(self) -> None:
        assert plain(money_cell(Money(reported_nano=4_100_000_000))) == "$4.10 ="
        assert plain(money_cell(Money(calls=2))) == "$0.00 ="
        assert money_cell(Money()) is None
        assert plain(money_cell(Money(4_100_000_000, 1))) == "$4.10 ~"
        assert plain(money_cell(Money(4_100_000_000, 0, 3, 900))) == "$4.10 ?"
        assert plain(money_cell(Money(0, 0, 3, 900))).strip() == "?"

    @given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 5), st.integers(0, 10**9))
    @settings(max_examples=60, deadline=None)
    def test_unpriced_is_never_nothing(self, reported: int, computed: int, calls: int, hidden: int) -> None:
        text = plain(money_cell(Money(reported, computed, calls, hidden, calls=calls)))
        assert ("?" in text) == (calls > 0)
        assert bool(text) == (calls + reported + computed > 0), "of no call nothing is known"
        if calls and not reported + computed:
            assert "$" not in text
            assert not any(c.isdigit() for c in text)

    def test_an_unpriced_row_shows_what_it_hides(self) -> None:
        (row,) = cost_rows(costs(cost("odd", cost=Money(0, 0, 4, 5_560_000), share=None)))
        shown = cells(row)
        assert shown["cost_nano"].strip() == "?"
        assert shown["cost_unpriced_tokens"] == "5.56 M"
        assert row.cells["share"] is None
        assert row.sort["cost_nano"] is None

    def test_a_priced_row(self) -> None:
        (row,) = cost_rows(costs(cost(errors=2, output_is_minimum=True)))
        shown = cells(row)
        assert (shown["cost_nano"], shown["share"], shown["calls"], shown["errors"]) == ("$4.10 =", "50.0 %", "12", "2")
        assert (shown["input_tokens"], shown["output_tokens"], shown["cost_unpriced_tokens"]) == (
            "1.28 M",
            "≥52.0 k",
            "",
        )

    def test_an_empty_name_is_not_said(self) -> None:
        (row,) = cost_rows(costs(cost(""), dimension="project"))
        assert cells(row)["project"] == "(no project)"

    def test_hostile_names(self) -> None:
        (row,) = cost_rows(costs(cost(HOSTILE)))
        assert "\x1b" not in cells(row)["model"]

    @pytest.mark.parametrize("dimension", DIMENSIONS)
    def test_columns_and_cells_agree(self, dimension: str) -> None:
        columns = COSTS[dimension].fields
        (row,) = cost_rows(costs(cost(), dimension=dimension))
        assert {column.key for column in columns} == set(row.cells)
        assert (columns[0].key, columns[0].label) == (dimension, dimension.replace("_", " "))

    def test_dimensions_go_round(self) -> None:
        seen = [DIMENSIONS[0]]
        while (following := next_dimension(seen[-1])) != seen[0]:
            seen.append(following)
        assert tuple(seen) == DIMENSIONS
        assert next_dimension(DIMENSIONS[0], -1) == DIMENSIONS[-1]

    def test_tiles(self) -> None:
        view = costs(month_projected_nano=371_000_000_000)
        made = tiles(view)
        assert plain(made["spent"].value) == "$6.10 ~"
        assert plain(made["projected"].value) == "$371.00 ~"
        assert plain(tiles(costs())["projected"].value) == ""
        assert plain(tiles(replace(view, today=Money(0, 0, 1, 7_000)))["today"].sub) == "? 7.00 k tokens"
        assert plain(made["store"].value) == "12.3 MB"

    def test_bytes(self) -> None:
        assert [bytes_text(n) for n in (0, 999, 1_000, 4_096_000)] == ["0 B", "999 B", "1.00 kB", "4.10 MB"]
        assert [bytes_text(n) for n in (99_940, 999_600, 10**12, 10**16)] == [
            "99.9 kB",
            "1.00 MB",
            "1.00 TB",
            "10,000 TB",
        ]


class TestSpendChart:
    def test_every_nano_is_on_the_chart_once(self) -> None:
        view = costs()
        chart = spend_chart(view)
        assert chart is not None
        drawn = {series.name: sum(v or 0 for v in series.values) for series in chart.series}
        want = {name: sum(dict(p.parts)[name] for p in view.series) for name in view.models}
        assert drawn == want
        assert chart.start_ms >= WINDOW.start_ms
        assert chart.end_ms >= WINDOW.end_ms

    @given(st.sets(st.integers(0, 47), min_size=1, max_size=48), st.sampled_from(["24h", "7d", "all"]))
    @settings(max_examples=50, deadline=None)
    def test_gaps_are_zero_and_nothing_moves(self, places: set[int], label: str) -> None:
        window = Window.ending(label, NOW_MS)
        step = HOUR // 2
        first = WINDOW.end_ms - WINDOW.end_ms % step - 47 * step
        points = tuple(SeriesPoint(first + i * step, parts=(("gpt-5", 10 + i),)) for i in sorted(places))
        view = replace(costs(), window=window, series=points, step_ms=step, models=("gpt-5",))
        chart = spend_chart(view)
        assert chart is not None
        (series,) = chart.series
        width = step
        assert (chart.end_ms - chart.start_ms) == width * len(series.values)
        for point in points:
            index, rest = divmod(point.start_ms - chart.start_ms, width)
            assert rest == 0
            assert series.values[index] == point.parts[0][1]
        assert sum(v or 0 for v in series.values) == sum(p.parts[0][1] for p in points)

    def test_models_keep_their_colours_when_others_are_left_out(self) -> None:
        alone = spend_chart(costs(models=("claude",)), ("gpt-5", "claude"))
        both = spend_chart(costs(), ("gpt-5", "claude"))
        assert alone is not None
        assert both is not None
        assert [series.name for series in alone.series] == ["claude"]
        assert alone.series[0].style == both.series[1].style

    def test_models_without_a_known_price_are_left_out_and_named(self) -> None:
        view = costs(total=Money(1, 0, 2, 5_560_000), models=("gpt-5", "claude", "odd"))
        chart = spend_chart(view)
        assert chart is not None
        assert [series.name for series in chart.series] == ["gpt-5", "claude"]
        assert chart_note(view) == "per 30 min, without 5.56 M unpriced tokens"

    def test_two_models_never_share_a_colour(self) -> None:
        names = tuple(f"model-{i}" for i in range(6))
        point = SeriesPoint(WINDOW.start_ms, parts=tuple((name, 1) for name in names))
        chart = spend_chart(costs(models=names, series=(point,)))
        assert chart is not None
        assert len({series.style for series in chart.series}) == 6

    def test_nothing_spent_is_no_chart(self) -> None:
        assert spend_chart(costs(series=(), models=())) is None
        assert chart_note(costs(series=())) == ""


class TestTools:
    def test_a_tool_says_what_it_rests_on(self) -> None:
        (row,) = TOOLS.rows([tool()], HERE)
        shown = cells(row)
        assert set(shown) == {field.key for field in TOOLS.fields if field.width}
        assert shown["level"] == "▲ MEDIUM"
        assert shown["axis"] == "95.0 % 91.4–97.1"
        assert shown["bound_low"] == "91.4–97.1"
        assert shown["failed"] == "codex 5/45, kimi 1/75"
        assert shown["trend"] == "▼"
        assert row.cells["cost_nano"] is None
        assert row.sort["failed"] == 6
        assert cells(TOOLS.rows([tool(cost_nano=0)], HERE)[0])["cost_nano"] == "$0.00"

    def test_never_run(self) -> None:
        fresh = tool(calls=0, success=Rate(0, 0), bound=None, durations=tool().durations.__class__(), agents=())
        (row,) = TOOLS.rows([fresh], HERE)
        for key in ("success", "bound_low", "duration_mean_ms", "duration_p95_ms"):
            assert row.cells[key] is None

    @pytest.mark.parametrize(("level", "glyph"), [("HIGH", "●"), ("MEDIUM", "▲"), ("LOW", "✖"), ("odd", "◌")])
    def test_levels_have_a_glyph(self, level: str, glyph: str) -> None:
        (row,) = TOOLS.rows([tool(level=level)], HERE)
        assert cells(row)["level"] == f"{glyph} {level}"

    def test_levels_are_counted(self) -> None:
        rows = [tool("a", level="HIGH"), tool("b", level="HIGH"), tool("c", level="LOW")]
        assert levels_line(rows).plain == "● 2 high   ▲ 0 medium   ✖ 1 low"
        rows += [tool("d", level="FEW"), tool("e", level="UNKNOWN"), tool("f", level="UNKNOWN")]
        assert levels_line(rows).plain == "● 2 high   ▲ 0 medium   ✖ 1 low   · 1 too few   ◌ 2 unknown"

    def test_who_is_hurt(self) -> None:
        first, second = (cells(row) for row in USERS.rows(tool().agents, HERE))
        assert (first["agent"], first["failed"], first["runs"]) == ("codex", "5", "45")
        assert (second["agent"], second["failed"], second["runs"]) == ("kimi", "1", "76")

    def test_errors_and_calls(self) -> None:
        detail = tool_detail()
        named, unnamed = (cells(row) for row in ERRORS.rows(error_lines(detail.errors), HERE))
        assert (named["error_class"], named["count"], named["bar"]) == ("timeout", "6", "75.0 %")
        assert unnamed["error_class"] == "not said"
        (call,) = (cells(row) for row in CALLS.rows(detail.recent, Locale(window=detail.window.rolling(30))))
        assert list(call.values())[:6] == ["10 Mar 12:34", "✖", "codex", "900 ms", "", "timeout"]

    def test_days_without_runs_are_days(self) -> None:
        chart = daily_chart(tool_detail())
        assert chart is not None
        ok, failed = chart.series
        assert ok.values[-4:] == (4.0, 0.0, 0.0, 5.0)
        assert failed.values[-1] == 1.0
        assert daily_chart(tool_detail(daily=())) is None

    def test_the_verdict(self) -> None:
        head, figures = verdict_lines(tool())
        assert isinstance(head, Text)
        assert head.plain.startswith("▲ MEDIUM  safe for general tasks: between 91 % and 97 %")
        assert "declining" in head.plain
        text = "   ".join(part.plain for part in figures)  # type: ignore[union-attr]
        assert "runs 120" in text
        assert "cost –" in text
        assert "Nothing ran it" in verdict_lines(None)[0].plain  # type: ignore[union-attr]


class TestLines:
    @given(st.text(max_size=300), st.integers(8, 120))
    @settings(max_examples=80, deadline=None)
    def test_lines_fit_and_lose_nothing_but_blanks(self, sentence: str, width: int) -> None:
        (text,) = bullets([sentence], "→", "$accent")
        lines = wrap_lines([text], width, Console(width=200))
        assert all(cell_len(line.plain) <= width for line in lines)
        joined = "".join(line.plain for line in lines)
        assert joined.replace(" ", "") == text.plain.replace(" ", "")

    @given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=8), st.integers(14, 60))
    @settings(max_examples=50, deadline=None)
    def test_parts_stay_whole(self, words: list[str], width: int) -> None:
        lines = wrap_lines([tuple(Text(word) for word in words)], width, Console(width=200))
        assert [part for line in lines for part in line.plain.split("   ")] == words
        assert all(cell_len(line.plain) <= width for line in lines)

    def test_later_lines_are_indented_in_their_style(self) -> None:
        text = Text.assemble(("→", "$accent"), " one two three ", ("four five", "$dim"))
        lines = wrap_lines([text], 12, Console(width=200))
        assert [line.plain.rstrip() for line in lines] == ["→ one two", "  three four", "  five"]
        assert any(span.style == "$dim" for span in lines[-1].spans)

"""The table without a screen: reconciling, sorting and filtering against plain re-statements of the rules."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from fedtop.format import ASCII, UNICODE
from fedtop.widgets.interval_bar import Bar
from fedtop.widgets.table_layout import (
    WIDEST,
    cells_needed,
    fit,
    lay_out,
    mark_matches,
    place_window,
    to_text,
)
from fedtop.widgets.table_model import Column, Row, TableModel

VALUES = st.one_of(st.none(), st.integers(-5, 5), st.floats(allow_infinity=False), st.sampled_from(["a", "B", "c"]))


def row(key, value=0, text=None):
    return Row(str(key), {"name": str(key), "v": str(value) if text is None else text}, {"v": value})


@given(st.lists(VALUES, max_size=12), st.booleans())
@settings(max_examples=100, deadline=None)
def test_sorting_is_stable_and_leaves_the_unknown_for_last(values, reverse):
    model = TableModel()
    model.replace(row(i, v) for i, v in enumerate(values))
    model.sort_by("v", reverse)
    shown = [values[int(key)] for key in model.order]
    unknown = [v is None or (isinstance(v, float) and math.isnan(v)) for v in shown]
    assert unknown == sorted(unknown)
    numbers = [v for v in shown if isinstance(v, int | float) and not math.isnan(v)]
    assert numbers == sorted(numbers, reverse=reverse)
    words = [v.casefold() for v in shown if isinstance(v, str)]
    assert words == sorted(words, reverse=reverse)
    assert sorted(model.order, key=int) == [str(i) for i in range(len(values))]
    for value in {v for v in shown if isinstance(v, int)}:
        same = [int(k) for k in model.order if type(values[int(k)]) is int and values[int(k)] == value]
        assert same == sorted(same)


def test_text_is_sorted_by_the_raw_value_not_by_what_is_shown():
    model = TableModel()
    model.replace([row("a", 9, "9 s"), row("b", 100, "2m"), row("c", 41, "41 s")])
    model.sort_by("v")
    assert model.order == ["a", "c", "b"]
    model.sort_by("name", reverse=True)
    assert model.order == ["c", "b", "a"]


@given(
    st.dictionaries(st.integers(0, 6), st.integers(0, 2)),
    st.dictionaries(st.integers(0, 6), st.integers(0, 2)),
)
@settings(max_examples=100, deadline=None)
def test_what_changed_is_told_exactly(old, new):
    model = TableModel()
    model.replace(row(k, v) for k, v in old.items())
    model.replace(row(k, v) for k, v in old.items())
    change = model.replace(row(k, v) for k, v in new.items())
    assert change.rows == {str(k) for k, v in new.items() if k not in old or old[k] != v}
    assert change.order == (list(old) != list(new))
    stirred = {str(k) for k, v in new.items() if k in old and old[k] != v}
    assert {k for k in model.rows if model.cells_changed(k)} == stirred
    assert all(model.cells_changed(k) == {"v"} for k in stirred)


def test_a_highlight_lasts_one_tick_and_its_end_is_a_change():
    model = TableModel()
    model.replace([row("a", 1)])
    model.replace([row("a", 2)])
    assert model.cells_changed("a") == {"v"}
    assert model.replace([row("a", 2)]).rows == {"a"}
    assert model.cells_changed("a") == frozenset()
    assert not model.replace([row("a", 2)])


def test_a_change_of_style_alone_redraws_without_highlight():
    model = TableModel()
    model.replace([Row("a", {"v": Text("1", "$ok")})])
    assert model.replace([Row("a", {"v": Text("1", "$alert")})]).rows == {"a"}
    assert model.cells_changed("a") == frozenset()
    assert not model.replace([Row("a", {"v": Text("1", "$alert")})])


def test_drawables_are_compared_by_value():
    model = TableModel()
    model.replace([Row("a", {"v": Bar(0.5)})])
    assert not model.replace([Row("a", {"v": Bar(0.5)})])
    assert model.replace([Row("a", {"v": Bar(0.6)})])


def test_of_two_rows_with_one_key_the_later_counts():
    model = TableModel()
    model.replace([row("a", 1), row("a", 2)])
    assert model.order == ["a"]
    assert model.rows["a"].sort["v"] == 2


@given(
    st.lists(st.sampled_from(["kimi", "Codex", "claude", ""]), max_size=8),
    st.sampled_from(["", "c", "C", "!c", "!", "zz", "i"]),
)
@settings(max_examples=60, deadline=None)
def test_filter_keeps_what_contains_the_text(names, pattern):
    model = TableModel()
    model.replace(Row(str(i), {"name": name}) for i, name in enumerate(names))
    model.filter_by(pattern)
    needle = pattern.lstrip("!").lower()
    kept = [str(i) for i, n in enumerate(names) if not needle or (needle in n.lower()) != pattern.startswith("!")]
    assert model.order == kept
    model.filter_by(pattern, hide=False)
    assert len(model.order) == len(names)


def test_the_cursor_goes_to_the_nearest_row_left():
    model = TableModel()
    before = ["a", "b", "c", "d"]
    model.replace([row("d"), row("a")])
    assert model.survivor("a", before) == "a"
    assert model.survivor("b", before) == "d"
    assert model.survivor("zz", before) in ("a", "d")
    model.replace([row("a")])
    assert model.survivor("c", before) == "a"
    model.replace([row("new")])
    assert model.survivor("c", before) == "new"
    model.replace([])
    assert model.survivor("c", before) is None


COLUMNS = st.lists(
    st.builds(
        Column,
        key=st.uuids().map(str),
        label=st.just("x"),
        width=st.integers(1, 20),
        grow=st.booleans(),
        min_width_shown=st.sampled_from([0, 80, 100, 120]),
    ),
    min_size=1,
    max_size=8,
)


@given(COLUMNS, st.integers(1, 200), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_columns_are_whole_apart_and_inside(columns, width, gap):
    placed = lay_out(columns, width, gap)
    assert placed[0].column is columns[0]
    assert all(p.column.min_width_shown <= width for p in placed[1:])
    for left, right in pairwise(placed):
        assert right.x == left.x + left.width + gap
    if len(placed) > 1:
        assert placed[-1].x + placed[-1].width <= width
        assert all(p.width >= p.column.width for p in placed)
    if len(placed) > 1 and any(p.column.grow for p in placed):
        assert placed[-1].x + placed[-1].width == width


def test_the_least_important_column_goes_first():
    columns = [Column("a", "a", 10), Column("b", "b", 10, min_width_shown=30), Column("c", "c", 10)]
    assert [p.column.key for p in lay_out(columns, 40)] == ["a", "b", "c"]
    assert [p.column.key for p in lay_out(columns, 30)] == ["a", "c"]
    assert [p.column.key for p in lay_out(columns, 20)] == ["a"]


def test_spare_cells_go_first_to_what_would_be_cut_off():
    columns = [Column("a", "a", 4), Column("b", "b", 6, "right"), Column("c", "c", 5, grow=True)]

    def widths(width, needs):
        return [p.width for p in lay_out(columns, width, needs=needs)]

    assert widths(20, {"a": 12, "b": 9}) == [4, 6, 5]  # nothing to give
    assert widths(25, {"a": 12, "c": 8}) == [7, 6, 7]  # in turn
    assert widths(25, {"a": 12, "c": 6}) == [8, 6, 6]  # what is served drops out
    assert widths(40, {"a": 12, "b": 8, "c": 3}) == [12, 8, 15]
    assert widths(90, {"a": 500}) == [WIDEST, 6, 47]


def test_a_figure_is_not_cut_off():
    columns = [
        Column("name", "name", 14),
        Column("took", "took", 6, "right"),
        Column("extra", "extra", 6, min_width_shown=20),
    ]

    def widths(width, **needs):
        return {p.column.key: p.width for p in lay_out(columns, width, gap=1, needs=needs)}

    assert widths(31, name=20, took=7) == {"name": 15, "took": 7, "extra": 6}
    assert widths(29, took=7) == {"name": 14, "took": 7}  # what may go went
    assert widths(22, took=9) == {"name": 11, "took": 9}  # then a text gives what it has beyond the least
    assert widths(15, took=9) == {"name": 14}


def test_a_date_is_shown_with_its_time_or_without():
    columns = [Column("when", "when", 12, whole=True), Column("what", "what", 10)]

    def widths(width, **needs):
        return [p.width for p in lay_out(columns, width, gap=1, needs=needs)]

    assert widths(28, when=17, what=20) == [12, 14]
    assert widths(29, when=17, what=20) == [17, 10]
    date = Text("27 Nov 2025 02:32")
    assert [fit(date, width, "left", whole=True).plain.rstrip() for width in (17, 16, 11, 10, 6, 1)] == [
        "27 Nov 2025 02:32", "27 Nov 2025", "27 Nov 2025", "27 Nov", "27 Nov", "…",
    ]  # fmt: skip


def test_what_a_cell_needs():
    assert cells_needed("日本") == 4
    assert cells_needed(Text("abc", "bold")) == 3
    assert cells_needed("x" * 5_000) == WIDEST


def test_a_sideways_window_keeps_the_first_column():
    columns = [Column(k, k, 10) for k in "abcdef"]
    assert [p.column.key for p in place_window(columns, 3, 35)] == ["a", "d", "e"]
    assert [p.column.key for p in place_window(columns, 3, 11)] == ["a"]


@given(st.text(max_size=30), st.integers(1, 30), st.sampled_from(["left", "right"]))
@settings(max_examples=150, deadline=None)
def test_a_cell_has_exactly_its_width(text, width, align):
    for glyphs in (UNICODE, ASCII):
        fitted = fit(to_text(text, width, glyphs), width, align, glyphs.ellipsis)
        assert cell_len(fitted.plain) == width
        assert not glyphs.ascii or fitted.plain.isascii()


def test_units_stand_in_one_column_and_a_zero_is_not_stranded():
    texts = ["1.28 M", "961 k", "0", "–"]
    assert [fit(Text(t), 8, "right").plain for t in texts] == ["  1.28 M", "   961 k", "       0", "       –"]


def test_styles_outlive_the_removal_of_unsafe_characters():
    text = Text.assemble(("●", "$ok"), " a\x1b[31mgent\u202e", ("!", "$alert"))
    safe = to_text(text, 20, UNICODE)
    assert safe.plain == "● agent!"
    styled = {safe.plain[s.start : s.end]: s.style for s in safe.spans}
    assert styled == {"●": "$ok", "!": "$alert"}


def test_markup_is_text():
    assert to_text("[/foo] [red]x", 20, UNICODE).plain == "[/foo] [red]x"


def test_absent_cells_are_a_dash():
    assert to_text(None, 5, UNICODE).plain == "–"
    assert to_text(None, 5, ASCII).plain == "-"


@pytest.mark.parametrize(
    ("plain", "needle", "marked"), [("Kimi kim", "kim", ["Kim", "kim"]), ("abc", "", []), ("İx", "x", [])]
)
def test_matches_are_marked(plain, needle, marked):
    text = Text(plain)
    mark_matches(text, needle)
    assert [plain[s.start : s.end] for s in text.spans] == marked

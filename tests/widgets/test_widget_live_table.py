"""The live table on a screen: the cursor keeps its row and its line, and nothing is drawn that did not
change.
"""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual import on
from textual.app import App

from fedtop.format import ASCII
from fedtop.themes import THEMES
from fedtop.widgets.live_table import Column, LiveTable, Row
from fedtop.widgets.table_drawing import Pen

COLUMNS = (
    Column("name", "name", 10, grow=True, tooltip="who"),
    Column("n", "n", 6, "right", sort_default="desc"),
    Column("cost", "cost", 10, "right", min_width_shown=60),
)


def make(values):
    return [Row(k, {"name": k, "n": str(v), "cost": f"${v}.00"}, {"n": v}) for k, v in values.items()]


class TableApp(App):
    def __init__(self, columns=COLUMNS, **options):
        super().__init__()
        self.table = LiveTable(columns, **options)
        self.seen = []

    def compose(self):
        yield self.table

    def on_mount(self):
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "fedtop-dark"

    @on(LiveTable.Selected)
    @on(LiveTable.Highlighted)
    @on(LiveTable.Sorted)
    def keep(self, message):
        self.seen.append(message)

    def kinds(self, kind):
        return [m for m in self.seen if isinstance(m, kind)]


@asynccontextmanager
async def running(values, size=(60, 8), **options):
    app = TableApp(**options)
    async with app.run_test(size=size) as pilot:
        app.table.set_rows(make(values))
        app.table.focus()  # a table without rows takes none
        await pilot.pause()
        yield app, app.table, pilot


def lines(table):
    return [table.render_line(y).text for y in range(table.size.height)]


def screen_line(table):
    return table.cursor_index - round(table.scroll_y)


MANY = {f"r{i:02d}": i for i in range(40)}


async def test_keys_move_the_cursor_and_show_it():
    async with running(MANY) as (app, table, pilot):
        assert table.cursor_key == "r00"
        await pilot.press("j", "down", "j", "k")
        assert table.cursor_key == "r02"
        await pilot.press("G")
        assert table.cursor_key == "r39"
        assert lines(table)[-1].startswith("▌r39")
        await pilot.press("pageup")
        assert table.cursor_key == "r33"
        await pilot.press("g", "up")
        assert table.cursor_key == "r00"
        assert round(table.scroll_y) == 0
        await pilot.pause()
        assert app.kinds(LiveTable.Highlighted)[-1].key == "r00"


async def test_the_cursor_keeps_its_row_and_its_line_when_rows_sort_anew():
    async with running(MANY) as (_, table, pilot):
        table.sort_by("n")
        await pilot.press(*["j"] * 12)
        line, key = screen_line(table), table.cursor_key
        order = list(table.model.order)
        table.set_rows(make({k: (v + 17) % 40 for k, v in MANY.items()}))
        assert table.model.order != order
        assert table.cursor_key == key
        assert screen_line(table) == line
        await pilot.pause()
        assert lines(table)[1 + line].startswith(f"▌{key}")


async def test_rows_that_vanish_leave_the_cursor_on_their_neighbour():
    async with running({"a": 1, "b": 2, "c": 3}) as (app, table, pilot):
        await pilot.press("j")
        table.set_rows(make({"a": 1, "c": 3}))
        assert table.cursor_key == "c"
        table.set_rows([])
        assert table.cursor_key is None
        table.set_rows(make({"a": 1}))
        assert table.cursor_key == "a"
        await pilot.pause()
        assert app.kinds(LiveTable.Highlighted)[-1].key == "a"


async def test_an_untouched_cursor_stays_in_sight_when_rows_arrive_above():
    async with running({"r": 0}) as (_, table, pilot):
        for i in range(1, 30):
            table.set_rows(make({f"r{j:02d}": j for j in range(i, 0, -1)} | {"r": 0}))
            await pilot.pause()
            assert 0 <= screen_line(table) < table.page_rows
            assert round(table.scroll_y) == 0


@pytest.mark.parametrize("align", ["left", "right"])
@pytest.mark.parametrize("width", [1, 5, 6, 9])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_the_arrow_of_a_sort_takes_no_letter_of_a_label(align, width, at):
    """Wherever it stands, and at the edge too; the other labels stay where they are."""
    label = "rework"[:width]
    columns = [Column(key, label, width, align) for key in "abc"]
    async with running({}, columns=columns, size=(3 * width + 5, 3)) as (_, table, pilot):
        table.set_rows([Row("1", dict.fromkeys("abc", "1"))])
        before = lines(table)[0]
        table.sort_by("abc"[at], True)
        await pilot.pause()
        shown = lines(table)[0]
        assert shown.replace("▼", " ").rstrip() == before.rstrip()
        assert shown.count("▼") == 1


async def test_rows_come_sorted_by_the_order_of_their_table_and_the_header_says_so():
    class Numbers:
        fields = COLUMNS
        order = "n"

    async with running({"a": 1, "b": 3, "c": 2}, columns=Numbers()) as (_, table, pilot):
        assert table.model.order == ["b", "c", "a"]
        assert "▼n" in lines(table)[0]
        await pilot.press("S")
        assert table.model.order == ["a", "c", "b"]


async def test_the_header_sorts_and_says_so():
    async with running({"a": 1, "b": 3, "c": None, "d": 2}) as (app, table, pilot):
        await pilot.click(LiveTable, offset=(table.placed()[1].x + 2, 0))
        assert table.model.order == ["b", "d", "a", "c"]
        assert "▼n" in lines(table)[0]
        await pilot.click(LiveTable, offset=(table.placed()[1].x + 2, 0))
        assert table.model.order == ["a", "d", "b", "c"]
        assert "▲n" in lines(table)[0]
        await pilot.press("s")
        assert [m.column for m in app.kinds(LiveTable.Sorted)] == ["n", "n", "cost"]
        await pilot.press("s", "S")
        assert (table.model.sort_key, table.model.reverse) == ("name", True)
        assert table.model.order == ["d", "c", "b", "a"]


async def test_clicks_select_and_double_clicks_open():
    async with running({"a": 1, "b": 2}) as (app, table, pilot):
        await pilot.click(LiveTable, offset=(3, 2))
        assert table.cursor_key == "b"
        assert app.kinds(LiveTable.Selected) == []
        await pilot.click(LiveTable, offset=(3, 2), times=2)
        await pilot.pause()
        assert [m.key for m in app.kinds(LiveTable.Selected)] == ["b"]
        await pilot.press("k", "enter")
        assert [m.key for m in app.kinds(LiveTable.Selected)] == ["b", "a"]
        await pilot.click(LiveTable, offset=(3, 6))
        assert table.cursor_key == "a"


async def test_the_header_explains_a_column_under_the_mouse():
    async with running({"a": 1}) as (_, table, pilot):
        await pilot.hover(LiveTable, offset=(2, 0))
        assert table.tooltip == "who"
        await pilot.hover(LiveTable, offset=(2, 1))
        assert table.tooltip is None


async def test_the_filter_hides_marks_and_steps():
    async with running({"kimi": 1, "codex": 2, "kimono": 3, "zed": 4}) as (_, table, pilot):
        table.set_filter("KIM")
        assert table.model.order == ["kimi", "kimono"]
        marked = [s for s in table.render_line(1) if s.text == "kim"]
        assert len(marked) == 1
        assert marked[0].style.bold
        table.set_filter("!kim")
        assert table.model.order == ["codex", "zed"]
        table.set_filter("kim", hide=False)
        table.move_cursor("codex")
        await pilot.press("n")
        assert table.cursor_key == "kimono"
        await pilot.press("n")
        assert table.cursor_key == "kimi"
        await pilot.press("N")
        assert table.cursor_key == "kimono"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
async def test_lines_are_exactly_as_wide_as_the_table(width):
    values = {"[/foo]": 1, "\x1b[31mred": 2, "日本語🦊" * 20: 3, "שלום\u202e": 4, "x" * 5000: 5}
    async with running(values, size=(width, 10)) as (_, table, _pilot):
        for strip in (table.render_line(y) for y in range(10)):
            assert strip.cell_length == width
            assert "\x1b" not in strip.text
            assert "\u202e" not in strip.text
        assert "[/foo]" in lines(table)[1]
        assert ("cost" in lines(table)[0]) == (width >= 60)


async def test_text_at_a_width_reads_as_designed():
    async with running({"kimi": 412, "codex": 9, "none": None}, size=(60, 5)) as (_, table, _pilot):
        table.set_rows([*make({"kimi": 412, "codex": 9}), Row("none", {"name": "none"})])
        assert [line.rstrip() for line in lines(table)] == [
            f" {'name':<39}  {'n':>6}  {'cost':>10}",
            f"▌{'kimi':<39}  {'412':>6}  {'$412.00':>10}",
            f" {'codex':<39}  {'9':>6}  {'$9.00':>10}",
            f" {'none':<39}  {'–':>6}  {'–':>10}",
            "",
        ]


async def test_a_column_takes_what_its_longest_text_needs_and_keeps_it():
    columns = (Column("who", "who", 5), Column("took", "took", 4, "right"), Column("bar", "", 4, grow=True))
    async with running({}, size=(40, 4), columns=columns) as (_, table, _pilot):

        def widths():
            return [place.width for place in table.placed()]

        table.set_rows([Row("1", {"who": "kimi", "took": "2 s"})])
        assert widths() == [5, 4, 26]
        table.set_rows([Row("1", {"who": "local-llama", "took": "22m 02s"})])
        assert widths() == [11, 7, 17]
        assert lines(table)[1].split() == ["▌local-llama", "22m", "02s", "–"]
        table.set_rows([Row("1", {"who": "kimi", "took": "2 s"})])
        assert widths() == [11, 7, 17]


async def test_the_keys_are_those_that_do_something():
    async with running({}) as (app, table, pilot):

        def shown():
            return {b.binding.description for b in app.screen.active_bindings.values() if b.enabled and b.binding.show}

        assert not {"Open", "Sort"} & shown()
        table.set_rows(make({"a": 1}))
        table.focus()
        await pilot.pause()
        assert {"Open", "Sort"} <= shown()
        table.add_class("-plain")
        table.refresh_bindings()
        await pilot.pause()
        assert "Open" not in shown()
        await pilot.press("enter")
        assert not app.kinds(LiveTable.Selected)


async def test_a_filter_that_nothing_matches_does_not_say_there_is_nothing():
    async with running({"kimi": 1}, empty="no agents") as (_, table, pilot):
        table.styles.height = "auto"
        table.set_filter("claude")
        await pilot.pause()
        assert table.size.height == 2
        assert lines(table)[1].strip() == "no row matches"


async def test_a_table_that_was_told_nothing_says_nothing():
    app = TableApp(empty="no agents")
    async with app.run_test(size=(60, 4)):
        assert "".join(lines(app.table)[1:]).strip() == ""
        app.table.set_rows([])
        assert lines(app.table)[1].strip() == "no agents"


async def test_an_empty_table_says_so():
    async with running({}, empty="no agents yet: fedtop record --help") as (_, table, pilot):
        assert lines(table)[1].strip() == "no agents yet: fedtop record --help"
        await pilot.press("j", "enter", "G", "n", "s", "S")
        assert table.cursor_key is None


async def test_a_changed_cell_is_lit_for_one_tick():
    async with running({"a": 1, "b": 2}) as (_, table, _pilot):

        def grounds(y):
            return {
                s.style.bgcolor.name for s in table.render_line(y) if s.text.strip() in ("2", "7", "$2.00", "$7.00")
            }

        calm = grounds(2)
        table.set_rows(make({"a": 1, "b": 7}))
        lit = grounds(2)
        table.set_rows(make({"a": 1, "b": 7}))
        assert lit.isdisjoint(calm)
        assert grounds(2) == calm


@pytest.fixture
def drawn(monkeypatch):
    keys = []
    original = Pen.row

    def count(self, row, look):
        keys.append(row.key)
        return original(self, row, look)

    monkeypatch.setattr(Pen, "row", count)
    return keys


BIG = {f"r{i:04d}": i for i in range(5000)}


async def test_an_update_of_5000_rows_draws_only_the_lines_that_changed(drawn):
    async with running(BIG, size=(80, 30)) as (_, table, pilot):
        assert len(set(drawn)) <= 29
        drawn.clear()
        table.set_rows(make(BIG))
        await pilot.pause()
        assert drawn == []
        table.set_rows(make(BIG | {"r0003": -1, "r4000": -1}))
        await pilot.pause()
        assert drawn == ["r0003"]
        drawn.clear()
        table.set_rows(make({k: v + 1 for k, v in BIG.items()}))
        await pilot.pause()
        assert len(drawn) <= 29


async def test_without_a_change_nothing_is_refreshed(monkeypatch):
    async with running(BIG, size=(80, 30)) as (_, table, _pilot):
        calls = []
        monkeypatch.setattr(table, "refresh", lambda *a, **k: calls.append(a))
        table.set_rows(make(BIG))
        assert calls == []
        table.set_rows(make(BIG | {"r0003": -1}))
        assert len(calls) == 1


async def test_moving_the_cursor_draws_two_lines(drawn):
    async with running(BIG, size=(80, 30)) as (_, _table, pilot):
        drawn.clear()
        await pilot.press("j")
        await pilot.pause()
        assert sorted(drawn) == ["r0000", "r0001"]


async def test_ascii_draws_nothing_else():
    app = TableApp()
    app.glyphs = ASCII
    async with app.run_test(size=(60, 6)) as pilot:
        app.table.set_rows([Row("a", {"name": Text("● ünï 日本"), "n": None, "cost": "–"})])
        app.table.sort_by("n")
        await pilot.pause()
        assert "n?" in "".join(lines(app.table))
        assert "".join(lines(app.table)).isascii()


@pytest.mark.parametrize("theme", ["fedtop-light", "fedtop-contrast", "nord", "ansi-dark"])
async def test_any_theme_will_do(theme):
    async with running({"a": 1, "b": 2}) as (app, table, pilot):
        before = table.render_line(1)
        app.theme = theme
        await pilot.pause()
        after = table.render_line(1)
        assert after.text == before.text
        assert [s.style for s in after] != [s.style for s in before]


async def test_columns_can_be_exchanged():
    async with running({"a": 1}) as (_, table, _pilot):
        table.set_columns([Column("n", "number", 8)])
        assert lines(table)[0].split() == ["number"]
        assert table.cursor_key == "a"


STEP = st.one_of(
    st.tuples(
        st.just("rows"),
        st.dictionaries(st.sampled_from("abcdefghijkl"), st.one_of(st.none(), st.integers(0, 9))),
    ),
    st.tuples(st.just("sort"), st.sampled_from(["name", "n", None, "missing"])),
    st.tuples(st.just("filter"), st.sampled_from(["", "a", "!a", "1"])),
    st.tuples(st.just("press"), st.sampled_from(["j", "k", "g", "G", "pagedown", "pageup", "S", "n", "N"])),
)


@given(st.lists(STEP, max_size=10))
@settings(max_examples=12, deadline=None)
async def test_the_cursor_keeps_its_row_whatever_happens(steps):
    async with running({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}, size=(40, 5)) as (_, table, pilot):
        await pilot.press("j")
        assert table.cursor_key == "b"
        for kind, value in steps:
            before, line = table.cursor_key, None if table.cursor_index is None else screen_line(table)
            if kind == "rows":
                table.set_rows(make(value))
            elif kind == "sort":
                table.sort_by(value)
            elif kind == "filter":
                table.set_filter(value)
            else:
                await pilot.press(value)
            order = table.model.order
            assert (table.cursor_key is None) == (order == [])
            assert table.cursor_key is None or table.cursor_key in order
            if kind in ("rows", "sort", "filter") and before in order:
                assert table.cursor_key == before
                room = 0 < round(table.scroll_y) < table.max_scroll_y
                assert not room or screen_line(table) == line
            if order:
                assert 0 <= screen_line(table) < table.page_rows
            assert len(lines(table)) == 5


async def test_rows_may_come_before_the_screen_does():
    app = TableApp()
    app.table.set_rows(make(MANY))
    app.table.sort_by("n")
    app.table.move_cursor("r20")
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        assert app.table.cursor_key == "r20"
        assert lines(app.table)[1 + screen_line(app.table)].startswith("▌r20")


async def test_a_hidden_table_takes_rows_and_shows_them_later():
    async with running(MANY) as (_, table, pilot):
        await pilot.press(*["j"] * 10)
        table.display = False
        await pilot.pause()
        table.set_rows(make({k: v + 1 for k, v in MANY.items() if v != 3}))
        table.display = True
        await pilot.pause()
        assert table.cursor_key == "r10"
        assert 0 <= screen_line(table) < table.page_rows


async def test_a_smaller_screen_still_shows_the_cursor():
    async with running(MANY, size=(60, 20)) as (_, table, pilot):
        await pilot.press(*["j"] * 15)
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert table.cursor_key == "r15"
        assert 0 <= screen_line(table) < table.page_rows


async def test_the_screen_takes_the_colours_of_another_theme():
    async with running({"a": 1, "b": 2}) as (app, _table, pilot):

        def colours():
            strips = app.screen._compositor.render_strips()
            return [[(s.style.color, s.style.bgcolor) for s in strip] for strip in strips[:3]]

        before = colours()
        app.theme = "fedtop-light"
        await pilot.pause()
        assert [old != new for old, new in zip(before, colours(), strict=True)] == [True] * 3


async def test_without_colour_the_cursor_is_still_marked(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with running({"a": 1, "b": 2}) as (app, _table, pilot):
        await pilot.press("j")
        await pilot.pause()
        shown = ["".join(s.text for s in strip) for strip in app.screen._compositor.render_strips()]
        assert [line[0] for line in shown[1:3]] == [" ", "▌"]

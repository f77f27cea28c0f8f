"""The blocks built on table and painted widgets: matrix, plan, tile, header, and cells
drawn to width.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import on
from textual.app import App
from textual.containers import Vertical

from fedtop.format import ASCII, UNICODE
from fedtop.widgets.header import HeaderData, HeaderLine, paint_header
from fedtop.widgets.interval_bar import Bar, IntervalBar, Spark
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.matrix import HeatCell, Matrix, MatrixRow
from fedtop.widgets.tile import Tile, TileData, paint_tile

FRACTION = st.one_of(st.none(), st.floats(0, 1))


class HostApp(App):
    def __init__(self, *widgets, glyphs=UNICODE):
        super().__init__()
        self.glyphs = glyphs
        self.widgets = widgets
        self.seen = []

    def compose(self):
        with Vertical():
            yield from self.widgets

    @on(LiveTable.Selected)
    @on(HeaderLine.TabClicked)
    def keep(self, message):
        self.seen.append(message)


def lines(table):
    return [table.render_line(y).text for y in range(table.size.height)]


@given(FRACTION, FRACTION, FRACTION, st.integers(0, 60))
@settings(max_examples=80, deadline=None)
def test_drawn_cells_never_exceed_their_column(low, high, value, width):
    for glyphs in (UNICODE, ASCII):
        for cell in (IntervalBar(low, high, value), Bar(value, mark=low), Spark((low, high, value))):
            drawn = cell.draw(width, glyphs).plain
            assert cell_len(drawn) <= width
            assert not glyphs.ascii or drawn.isascii()


def test_an_interval_is_drawn_where_it_lies():
    drawn = IntervalBar(0.6, 0.9, 0.8, references=(0.5, 0.95)).draw(101).plain
    assert [i for i, c in enumerate(drawn) if c in "━┿●"] == list(range(60, 91))
    assert drawn.index("●") == 80
    assert [i for i, c in enumerate(drawn) if c == "┊"] == [50, 95]
    crossed = IntervalBar(0.6, 0.9, 0.8, references=(0.7,)).draw(101).plain
    assert crossed[70] == "┿"
    assert IntervalBar(0.91, 0.99, axis_low=0.9).draw(101).plain.index("━") == 10


def test_an_unknown_interval_leaves_the_axis():
    assert set(IntervalBar(None, None).draw(20).plain) == {"·", "┊"}
    assert IntervalBar(None, None).plain == "– –"


def test_a_bar_carries_its_mark():
    assert Bar(0.5, mark=0.75).draw(21).plain[15] == "│"
    assert Bar(None, mark=0.0).draw(5).plain == "│    "
    inside = Bar(1.0, "$hue-1", mark=0.5).draw(21)
    assert [str(s.style) for s in inside.spans if s.start <= 10 < s.end] == ["bold $bg on $hue-1"]


TYPES = [(t, t) for t in ("implementation", "research", "review", "testing", "docs", "debug")]


def matrix_rows():
    return [
        MatrixRow("kimi", "kimi", {"review": HeatCell(0.93, 40, 0.05), "docs": HeatCell(1.0, 2, few=True)}),
        MatrixRow("codex", "[/foo]", {"review": HeatCell(0.41, 30, -0.05)}),
    ]


async def test_the_matrix_cursor_moves_on_two_axes_and_opens_a_cell():
    app = HostApp(Matrix(corner="agent"))
    async with app.run_test(size=(120, 8)) as pilot:
        matrix = app.query_one(Matrix)
        matrix.set_matrix(TYPES, matrix_rows())
        matrix.focus()
        await pilot.press("j", "right", "l", "enter")
        await pilot.pause()
        assert (app.seen[-1].row, app.seen[-1].column) == ("codex", "review")
        await pilot.press("left", "left", "left", "h", "enter")
        await pilot.pause()
        assert app.seen[-1].column == "implementation"
        place = next(p for p in matrix.placed() if p.column.key == "docs")
        await pilot.click(Matrix, offset=(place.x + 1, 1), times=2)
        await pilot.pause()
        assert (app.seen[-1].row, app.seen[-1].column) == ("kimi", "docs")


async def test_the_matrix_says_rate_boost_and_doubt():
    app = HostApp(Matrix(corner="agent"))
    async with app.run_test(size=(120, 8)) as pilot:
        matrix = app.query_one(Matrix)
        matrix.set_matrix(TYPES, matrix_rows())
        await pilot.pause()
        kimi, codex = lines(matrix)[1:3]
        assert "93 % ▲" in kimi
        assert "100 % ·" in kimi
        assert kimi.count("–") == 4
        assert "41 % ▼" in codex
        assert "[/foo]" in codex
        review = next(p for p in matrix.placed() if p.column.key == "review")
        shades = {y: matrix.render_line(y).crop(review.x, review.x + review.width) for y in (1, 2)}
        assert len({next(s.style.bgcolor for s in strip) for strip in shades.values()}) == 2


async def test_columns_beyond_the_edge_are_counted_and_reached():
    app = HostApp(Matrix(corner="agent"))
    async with app.run_test(size=(50, 6)) as pilot:
        matrix = app.query_one(Matrix)
        matrix.set_matrix(TYPES, matrix_rows())
        matrix.focus()
        await pilot.pause()
        assert [p.column.key for p in matrix.placed()][1:] == ["implementation", "research"]
        assert "4 ›" in lines(matrix)[0]
        await pilot.press(*["right"] * 5)
        assert [p.column.key for p in matrix.placed()][1:] == ["docs", "debug"]
        assert "‹ 4" in lines(matrix)[0]
        await pilot.press("left")
        assert matrix.cursor_column == "docs"
        await pilot.press(*["left"] * 9)
        assert [p.column.key for p in matrix.placed()][1:] == ["implementation", "research"]


@pytest.mark.parametrize("width", range(46, 102, 2))
async def test_what_is_left_out_of_the_matrix_is_said_at_every_width(width):
    app = HostApp(Matrix(corner="agent", cell_width=14))
    async with app.run_test(size=(width, 6)) as pilot:
        matrix = app.query_one(Matrix)
        matrix.set_matrix(TYPES, matrix_rows())
        await pilot.pause()
        shown, head = matrix.placed()[1:], lines(matrix)[0]
        beyond = len(TYPES) - len(shown)
        assert [label in head for _, label in TYPES] == [True] * len(shown) + [False] * beyond
        assert head.rstrip().endswith(f" {beyond} ›" if beyond else TYPES[-1][1])
        assert all("codex" in line or "[/foo]" in line or "kimi" in line for line in lines(matrix)[1:3])


async def test_the_matrix_keeps_its_cell_when_types_come_and_go():
    app = HostApp(Matrix())
    async with app.run_test(size=(80, 6)) as pilot:
        matrix = app.query_one(Matrix)
        matrix.set_matrix([], [])
        await pilot.press("right", "enter")
        matrix.set_matrix(TYPES, matrix_rows())
        matrix.focus()
        await pilot.press("right", "j")
        matrix.set_matrix([("new", "new"), *TYPES], matrix_rows())
        assert (matrix.cursor_key, matrix.cursor_column) == ("codex", "research")
        matrix.set_matrix(TYPES[:1], matrix_rows())
        assert matrix.cursor_column == "implementation"


@pytest.mark.parametrize("width", [6, 12, 16, 30])
def test_a_tile_fits_and_gives_up_the_side_first(width):
    data = TileData("89.4 %", "n=1,284", "87.6–91.0", (1, None, 4), "warn")
    for glyphs in (UNICODE, ASCII):
        painted = paint_tile(data, width, 2, glyphs)
        assert [cell_len(line.plain) for line in painted] == [width, width]
    text = [line.plain for line in paint_tile(data, width, 2, UNICODE)]
    assert text[0].startswith("89.4 %")
    assert ("n=1,284" in text[0]) == (width >= 14)


async def test_a_tile_wears_its_state_as_glyph_and_class():
    app = HostApp(Tile("health", TileData("fine")))
    async with app.run_test(size=(40, 6)) as pilot:
        tile = app.query_one(Tile)
        assert not tile.has_class("-alert")
        tile.set_data(TileData("down", state="alert"))
        await pilot.pause()
        assert tile.has_class("-alert")
        assert "✖ health" in str(tile.border_title)
        tile.set_data(TileData(None, state="unknown"))
        assert tile.render().plain.startswith("–")
        assert "✖" not in str(tile.border_title)


async def test_a_title_is_never_markup():
    app = HostApp(Tile("[/foo] [bold]", TileData("[/bar]", "[red]", "\x1b[31mx")))
    async with app.run_test(size=(60, 6)):
        tile = app.query_one(Tile)
        assert "\x1b" not in tile.render().plain
        assert "[/bar]" in tile.render().plain
        text = "\n".join("".join(s.text for s in strip) for strip in app.screen._compositor.render_strips())
        assert "[/foo] [bold]" in text


TABS = tuple((name.lower(), name) for name in ("Overview", "Agents", "Cascade", "Costs", "Tools"))
FULL = HeaderData(TABS, "cascade", "24h", "live", "2s", "1s", "/home/me/fedtop.db")


@pytest.mark.parametrize("width", [10, 24, 40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_the_header_fits_every_width(width, glyphs):
    line, places = paint_header(FULL, width, glyphs)
    assert cell_len(line.plain) == width
    assert all(0 <= p.start < p.end <= width for p in places)
    for number, place in enumerate(places, 1):
        assert line.plain[place.start : place.end].strip().startswith(str(number))


def test_the_header_gives_up_the_least_important_first():
    wide, normal, narrow = (paint_header(FULL, w, UNICODE)[0].plain for w in (130, 100, 62))
    assert "/home/me/fedtop.db" in wide
    assert "/home/me/fedtop.db" not in normal
    assert "Overview" in normal
    assert "Overview" not in narrow
    assert "3 Cascade" in narrow
    assert "● live 2s" in narrow


@pytest.mark.parametrize(
    ("feed", "detail", "shown"),
    [
        ("live", "2s", "● live 2s"),
        ("paused", "14:31", "❚❚ paused 14:31"),
        ("stale", "40 s", "◌ stale 40 s"),
        ("as_of", "27 Nov 02:32", "◷ as of 27 Nov 02:32"),
    ],
)
def test_the_header_tells_what_the_data_are(feed, detail, shown):
    assert shown in paint_header(HeaderData(TABS, "agents", "24h", feed, detail), 120, UNICODE)[0].plain


async def test_a_click_on_a_tab_is_told():
    app = HostApp(HeaderLine(FULL))
    async with app.run_test(size=(120, 4)) as pilot:
        _, places = paint_header(FULL, 120, UNICODE)
        place = next(p for p in places if p.key == "costs")
        await pilot.click(HeaderLine, offset=(place.start + 2, 0))
        await pilot.click(HeaderLine, offset=(118, 0))
        await pilot.pause()
        assert [m.key for m in app.seen] == ["costs"]


async def test_everything_is_ascii_when_asked():
    widgets = (
        HeaderLine(FULL),
        Tile("cost", TileData("$4.10", "~", "→ $371", (1, 2, 3), "warn")),
        Matrix(),
    )
    app = HostApp(*widgets, glyphs=ASCII)
    async with app.run_test(size=(110, 40)) as pilot:
        app.query_one(Matrix).set_matrix(TYPES, matrix_rows())
        await pilot.pause()
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
        assert "kimi" in "".join(lines)
        assert [line for line in lines if not line.isascii()] == []


def test_a_spark_shows_the_latest_values_or_widens_them_all():
    spark = Spark((0, 1, 2, 4))
    assert spark.draw(2).plain == "▄█"
    assert spark.draw(7).plain == "▁▂▄█"
    assert spark.draw(8).plain == "▁▁▂▂▄▄██"
    assert len(spark.draw(100).plain) == 16
    assert Spark(()).draw(9).plain == ""

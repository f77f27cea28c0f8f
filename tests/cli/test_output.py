"""Plain values and rendering: pure functions from read models to JSON and text."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from fedstore import Window
from fedstore.queries.models import Money, Rate
from fedtop.about import About
from fedtop.cli import output
from fedtop.cli.notice import notice_for
from fedtop.cli.options import View
from fedtop.cli.output import plain_value, render
from fedtop.plain.blocks import share_bar
from fedtop.plain.look import Look
from fedtop.plain.notice import EMPTY
from fedtop.plain.tables import figures, table, words

NOW_MS = 1_773_146_096_789
DAY_MS = 86_400_000


class Newest(dict[str, int]):
    """A reader that knows when the newest fact of each topic happened."""

    def newest_ms(self, topic: str = "any", name: str = "") -> int | None:
        return self.get(topic)

    def refusals(self) -> None:
        """Nothing was refused."""


@dataclass(frozen=True)
class Outer:
    """A read model of the test."""

    name: str
    rate: Rate
    parts: tuple[tuple[str, int], ...]
    missing: float | None = None


def test_dataclasses_become_fields_with_what_follows_from_them() -> None:
    found = plain_value(Outer("x", Rate(9, 10), (("a", 1),)))
    assert found["rate"]["value"] == 0.9
    assert found["rate"]["interval"] == pytest.approx([0.59585, 0.98212], abs=1e-4)
    assert found["parts"] == [["a", 1]]
    assert found["missing"] is None


def test_unknown_rate_and_unpriced_money_are_null_and_marked() -> None:
    assert plain_value(Rate(0, 0)) == {"hits": 0, "n": 0, "value": None, "interval": None}
    money = plain_value(Money(unpriced_calls=2, unpriced_tokens=10))
    assert (money["known"], money["mark"], money["nano"]) == (False, "unpriced", 0)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(trees)
@settings(max_examples=80, deadline=None)
def test_everything_becomes_strict_ascii_json(value: Any) -> None:
    text = json.dumps(plain_value(value), allow_nan=False, ensure_ascii=True)
    assert text.isascii()
    assert not set(text) & set(map(chr, range(32)))


@given(st.text(max_size=60), st.integers(20, 100))
@settings(max_examples=80, deadline=None)
def test_any_name_renders_within_the_width(name: str, width: int) -> None:
    look = Look.of(NOW_MS, width=width)
    shown = render(table([words("Name", least=8), figures("n")], [(look.name(name), "1")], look), look)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
    ascii_look = Look.of(NOW_MS, width=width, ascii_only=True)
    assert render(look.name(name), ascii_look).isascii()


@given(st.integers(48, 120), st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
@settings(max_examples=80, deadline=None)
def test_a_short_line_leaves_columns_out_and_cuts_no_number(width: int, values: list[int]) -> None:
    look = Look.of(NOW_MS, width=width)
    columns = [words("Name", least=8), figures("First"), figures("Second", 1), figures("Third", 3), words("Id", 2)]
    rows = [("a name of some length", f"{value:,}", f"{value:,}", f"{value:,}", "id-1234567890") for value in values]
    shown = render(table(columns, rows, look), look)
    assert max(map(len, shown.splitlines())) <= width
    assert "Name" in shown
    without = shown.partition("without ")[2]
    labels = shown.splitlines()[0].split()
    for column in columns:
        assert (column.label in labels) != (column.label in without)
    assert ("Id" in without) <= ("Third" in without)
    assert ("Second" in without) <= ("Id" in without)
    figures_shown = 1 + sum(label in labels for label in ("Second", "Third"))
    assert all(shown.count(f"{value:,}") >= figures_shown for value in values)


def test_markup_is_text() -> None:
    look = Look.of(NOW_MS)
    assert render(Text("[bold]x[/bold] :smile:"), look) == "[bold]x[/bold] :smile:"


def test_colours_carry_no_state_alone() -> None:
    from fedtop import format as fmt

    plain, coloured = Look.of(NOW_MS), Look.of(NOW_MS, colours=True)
    told = fmt.state_text("alert", "failed")
    assert render(told, plain) == "✖ failed"
    assert "\x1b[31m" in render(told, coloured)


@pytest.mark.parametrize(
    ("fraction", "full"), [(None, 0), (0.0, 0), (0.001, 1), (0.32, 9), (0.5, 14), (1.0, 28), (7.0, 28)]
)
def test_bar_is_as_long_as_its_share(fraction: float | None, full: int) -> None:
    assert share_bar(fraction) == "[" + "=" * full + "-" * (28 - full) + "]"


def test_what_cannot_be_encoded_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert output.look_for(View()).glyphs.ascii
    wide = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", wide)
    assert not output.look_for(View()).glyphs.ascii


def test_notice_says_what_is_wrong_with_the_window() -> None:
    window, look = Window(1_000_000_000_000, 1_000_003_600_000, "1h"), Look.of(NOW_MS)
    routes, tools = About("layer"), About("tool", "grep")

    def told(about: About, **newest: int) -> tuple[str | None, str | None]:
        found = notice_for(Newest(newest), window, about)  # type: ignore[arg-type]
        return found.code, found.text(look)

    assert told(routes) == ("empty", EMPTY)
    assert told(routes, any=window.start_ms, layer=window.start_ms) == (None, None)
    assert told(routes, any=window.start_ms) == (None, None), "there never was a decision: nothing to go back to"
    code, text = told(routes, any=window.end_ms, layer=window.start_ms - 1)
    assert (code, text and text[:60]) == (
        "before-window",
        "The newest decision is from 9 Sep 2001 01:46, before this wi"[:60],
    )
    assert told(tools, any=1, tool=window.end_ms - 30 * DAY_MS + DAY_MS)[0] is None, "trust rests on 30 days"
    code, text = told(tools, any=1, tool=window.end_ms - 31 * DAY_MS)
    assert code == "before-window"
    assert text is not None
    assert text.startswith("The newest execution of grep is from 9 Aug 2001")


def test_a_live_page_fits_the_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setattr("click.clear", lambda: None)
    page = Text("\n".join(f"line {n}" for n in range(30)))
    output.show(page, Look.of(NOW_MS, colours=True), fit=True)
    assert capsys.readouterr().out.splitlines() == [f"line {n}" for n in range(9)]
    output.show(page, Look.of(NOW_MS), fit=True)
    assert len(capsys.readouterr().out.splitlines()) == 30

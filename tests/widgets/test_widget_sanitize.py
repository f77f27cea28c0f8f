"""Strings from outside: whatever they hold, one printable line of a known width comes out."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from fedtop.sanitize import clean, csv_cell, scrub, truncate

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b[]31m;\x07\u202e\u2066\u200d\ufe0f\u0301\n\t\r\x00\x9b日🦊=+-@'"),
        st.characters(),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("tab\tline\nend\r", "tab line end "),
        ("null\x00byte\x7f", "nullbyte"),
        ("[/foo] [bold]", "[/foo] [bold]"),
        ("e\u0301" + "\u0301" * 50, "e\u0301\u0301"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\U0001f44d\U0001f3fd up", "\U0001f44d up"),
    ],
)
def test_clean(raw, shown):
    assert clean(raw) == shown


@given(HOSTILE, st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_what_comes_out_is_printable_and_as_wide_as_promised(text, limit):
    shown = clean(text, limit)
    assert cell_len(shown) <= limit
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    assert clean(shown, limit) == shown


@given(HOSTILE)
@settings(max_examples=80, deadline=None)
def test_scrub_is_idempotent(text):
    assert scrub(scrub(text)) == scrub(text)


def test_a_huge_string_is_cut_before_it_is_looked_at():
    assert cell_len(clean("x" * 10_000_000, 20)) == 20
    assert clean("\x1b[31m" * 2_000_000 + "x", 20) == ""


def test_a_wide_character_is_never_halved():
    assert truncate("日本語", 4) == "日…"
    assert truncate("日本語", 5) == "日本…"
    assert truncate("日本語", 6) == "日本語"
    assert truncate("abc", 0) == ""
    assert truncate("abc", 1) == "…"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", " =1", "＝1"])
def test_no_cell_becomes_a_formula(text):
    assert csv_cell(text) == "'" + text


@given(HOSTILE)
@settings(max_examples=80, deadline=None)
def test_csv_cells_survive_a_round_trip_and_never_start_a_formula(text):
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(text), "end"])
    cell = csv_cell(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t"))
    assert cell in (text, "'" + text)


def test_numbers_stay_numbers_in_csv():
    assert [csv_cell(v) for v in (-3, 2.5, None, "", "plain")] == ["-3", "2.5", "", "", "plain"]

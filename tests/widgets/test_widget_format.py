"""Formats: every figure checked against another way of writing it, and the unknown never becomes a zero."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedtop import format as f

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "function",
    [
        f.money,
        f.count,
        f.tokens,
        f.duration_us,
        f.duration_ms,
        f.age,
        f.rate,
        f.delta,
        f.delta_points,
        f.boost,
        f.n_of,
    ],
)
def test_the_unknown_is_a_dash_in_every_format(function):
    assert "–" in function(None)
    assert "0" not in function(None)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("function", [f.count, f.tokens, f.duration_us, f.age, f.rate, f.delta])
def test_what_is_not_finite_is_unknown(function, value):
    assert function(value) == "–"


def test_times_and_intervals_know_the_unknown_too():
    assert f.clock(None, UTC) == f.date_time(None, UTC) == f.day(None, UTC) == f.hour_minute(None, UTC) == "–"
    assert f.interval(None, 0.4) == f.interval(0.4, None) == "–"
    assert f.rate_text(None, None, None).plain.strip() == "–"


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0.00"),
        (1, "<$0.0001"),
        (4_200_000, "$0.0042"),
        (40_000_000, "$0.04"),
        (4_100_000_000, "$4.10"),
        (-30_000_000, "−$0.03"),
        (1_234_567_890_123, "$1,234.57"),
        (99_999_000_000_000, "$99,999"),
    ],
)
def test_money(nano, shown):
    assert f.money(nano) == shown


@given(st.integers(10_000_000, 9_999_000_000_000))
@settings(max_examples=60, deadline=None)
def test_money_agrees_with_decimal_arithmetic(nano):
    cents = (Decimal(nano) / 10**9).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert f.money(nano) == f"${cents:,}"


def test_money_says_what_it_rests_on():
    marks = {basis: f.money(4_100_000_000, basis=basis)[-1] for basis in ("reported", "estimated", "unpriced", "few")}
    assert marks == {"reported": "=", "estimated": "~", "unpriced": "?", "few": "·"}
    assert f.money(None, basis="unpriced") == "?"
    assert f.money_text(None, "unpriced").plain.strip() == "?"
    assert f.money(371_400_000_000, whole=True) == "$371"


@pytest.mark.parametrize(
    ("us", "shown"),
    [
        (5, "5 µs"),
        (900, "0.9 ms"),
        (31_000, "31.0 ms"),
        (412_000, "412 ms"),
        (4_200_000, "4.2 s"),
        (41e6, "41 s"),
        (102e6, "102 s"),
        (130e6, "2m 10s"),
        (3_900e6, "1h 05m"),
        (190_000e6, "2d 4h"),
        (99_960, "100 ms"),
        (999_600, "1.0 s"),
        (9_960_000, "10 s"),
        (119.6e6, "2m 00s"),
        (-31_000, "−31.0 ms"),
    ],
)
def test_durations(us, shown):
    assert f.duration_us(us) == shown
    assert f.duration_ms(us / 1000) == shown


def test_what_took_no_whole_millisecond_is_not_called_nothing():
    assert (f.duration_ms(0), f.duration_ms(0.4), f.duration_us(0)) == ("<1 ms", "0.4 ms", "0 µs")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (512, "512"),
        (12_345, "12.3 k"),
        (999_700, "1.00 M"),
        (1_284_000, "1.28 M"),
        (3.4e9, "3.40 G"),
    ],
)
def test_tokens(value, shown):
    assert f.tokens(value) == shown


@given(st.integers(1_000, 10**15))
@settings(max_examples=60, deadline=None)
def test_tokens_lose_less_than_half_a_percent(value):
    number, unit = f.tokens(value).replace(",", "").split()
    back = float(number) * {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
    assert abs(back - value) <= 0.0051 * value


@given(st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_only_certainty_is_shown_as_0_or_100_percent(p):
    shown = f.rate(p)
    assert (shown == "0 %") == (p == 0)
    assert (shown == "100 %") == (p == 1)
    assert shown not in ("0.0 %", "100.0 %")


def test_rates_carry_interval_and_sample_size():
    text = f.rate_text(0.894, 0.876, 0.910, 1284)
    assert text.plain.strip() == "89.4 % 87.6–91.0 n=1,284"
    assert {str(span.style) for span in text.spans} == {"$dim"}


def test_deltas_are_signed_and_nothing_has_no_sign():
    assert [f.delta(v) for v in (5.1, -0.4, 0.04, -0.04)] == ["+5.1", "−0.4", "0.0", "0.0"]
    assert [f.boost(v) for v in (0.05, -0.03, 0.0)] == ["+0.05", "−0.03", "0"]
    assert f.delta_points(0.051) == "+5.1"
    assert f.delta(-8, 0, "ms") == "−8 ms"


def test_ages():
    assert [f.age(s) for s in (2, 40, 89.9, 240, 10_800, 432_000, -5)] == [
        "2 s",
        "40 s",
        "89 s",
        "4 min",
        "3 h",
        "5 d",
        "0 s",
    ]


@given(st.integers(0, 4_000_000_000_000), st.integers(-12, 14))
@settings(max_examples=40, deadline=None)
def test_clock_is_local_time(ms, hours):
    tz = timezone(timedelta(hours=hours))
    assert f.clock(ms, tz) == datetime.fromtimestamp(ms // 1000, tz).strftime("%H:%M:%S")


def test_dates_name_the_year_only_when_it_is_another():
    ms = int(datetime(2026, 11, 27, 2, 32, tzinfo=BERLIN).timestamp() * 1000)
    assert f.date_time(ms, BERLIN) == "27 Nov 02:32"
    assert f.date_time(ms, BERLIN, now_ms=ms + 86_400_000) == "27 Nov 02:32"
    assert f.date_time(ms, BERLIN, now_ms=ms + 86_400_000 * 60) == "27 Nov 2026 02:32"
    assert f.day(ms, UTC) == "27 Nov"


def test_a_time_beyond_the_calendar_is_unknown():
    assert f.clock(10**18, UTC) == "–"


@given(st.lists(st.one_of(st.none(), st.floats(-5, 1e6, allow_nan=False)), max_size=40), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_sparklines_start_at_zero(values, width):
    line, shown = f.sparkline(values, width), values[-width:] if width else []
    assert len(line) == len(shown)
    for char, value in zip(line, shown, strict=True):
        assert (char == " ") == (value is None)
        assert value is None or (char == "▁") >= (value <= 0)
    peak = max((v for v in shown if v is not None), default=0)
    if peak > 0:
        assert line[shown.index(peak)] == "█"


def test_a_sparkline_of_equal_values_is_full_because_it_starts_at_zero():
    assert f.sparkline([5, 5, 5]) == "███"
    assert f.sparkline([1, 2, 4, 8]) == "▁▂▄█"
    assert f.sparkline([4, 4], top=8) == "▄▄"


@given(st.floats(0, 1), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_bars_are_right_to_a_sixteenth_of_a_cell(fraction, width):
    drawn = f.bar(fraction, width)
    eighths = sum(" ▏▎▍▌▋▊▉█".index(char) for char in drawn)
    assert len(drawn) <= width
    assert abs(eighths - fraction * width * 8) <= 0.5 or (eighths == 1 and fraction > 0)
    assert set(f.bar(fraction, width, f.ASCII)) <= {"#"}


def test_state_is_a_glyph_and_not_only_a_colour():
    glyphs = [f.state_text(state).plain for state in ("ok", "warn", "alert", "idle", "unknown", "info")]
    assert glyphs == ["●", "▲", "✖", "○", "◌", "◆"]
    assert len({f.state_text(s, glyphs=f.ASCII).plain for s in ("ok", "warn", "alert", "idle", "unknown", "info")}) == 6
    assert f.state_text("nonsense").plain == "◌"


@given(st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_ascii_is_ascii_and_keeps_every_column(text):
    shown = f.ASCII.adapt(text)
    assert shown.isascii()
    assert len(shown) == len(text)
    assert f.UNICODE.adapt(text) == text


def test_the_ascii_set_holds_only_ascii():
    assert {"ascii", "ok", "warn"} <= set(f.ASCII.__dataclass_fields__)
    for name in f.ASCII.__dataclass_fields__:
        value = getattr(f.ASCII, name)
        assert value is True or value.isascii()
        assert name == "ascii" or len(value) == len(getattr(f.UNICODE, name))


def test_formats_and_palette_load_neither_textual_nor_numpy():
    code = "import sys, fedtop.format, fedtop.palette; print(sorted({'textual', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

"""Windows: how names and times are read, and that spans tile a window exactly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.errors import FedstoreError
from fedstore.widths import DAY_MS, HOUR_MS, MINUTE_MS, WIDTHS
from fedstore.window import Window, parse_duration_ms, parse_time_ms, spans

BASE_MS = 1_790_000_000_000 - 1_790_000_000_000 % DAY_MS
minutes = st.integers(0, 60 * 24 * 40)


@settings(max_examples=200, deadline=None)
@given(minutes, minutes, minutes)
def test_spans_tile_the_window(a: int, b: int, now: int) -> None:
    start, end = BASE_MS + min(a, b) * MINUTE_MS, BASE_MS + max(a, b) * MINUTE_MS
    now_ms = BASE_MS + now * MINUTE_MS
    marks = [now_ms - now_ms % width for width in WIDTHS[1:]]
    cut = spans(Window(start, end, "x"), marks)
    at = start
    for span in cut:
        assert span.start_ms == at
        assert span.start_ms % span.width == span.end_ms % span.width == 0
        assert span.start_ms < span.end_ms
        at = span.end_ms
        if span.width > MINUTE_MS:  # a wide bucket is read only where it is complete
            assert span.end_ms <= marks[WIDTHS.index(span.width) - 1]
    assert at == end or start == end
    rows = sum((span.end_ms - span.start_ms) // span.width for span in cut if span.end_ms <= now_ms)
    assert rows <= 9 * 2 + 5 * 3 + 23 * 3 + 40  # what the marks cover costs few rows however long the window


@given(minutes, st.sampled_from(WIDTHS))
def test_no_bucket_is_wider_than_asked(a: int, widest: int) -> None:
    end = BASE_MS + 40 * DAY_MS
    cut = spans(Window(BASE_MS + a * MINUTE_MS, end, "x"), (end, end, end), widest=widest)
    assert [span for span in cut if span.width > widest] == []


@pytest.mark.parametrize(
    ("text", "ms"),
    [("15m", 900_000), ("6h", 21_600_000), ("7d", 604_800_000), ("2w", 1_209_600_000), ("168", 604_800_000)],
)
def test_window_names(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "0h", "-3h", "1y", "h", "24 hours", "1e3", "٣h ago", "9999999h"])
def test_bad_window_names_say_what_to_do(text: str) -> None:
    with pytest.raises(FedstoreError, match="is not a window: use 15m, 6h, 7d"):
        parse_duration_ms(text)


def test_times_with_and_without_a_zone() -> None:
    assert parse_time_ms("2026-01-31T12:00:00Z") == 1_769_860_800_000
    assert parse_time_ms("2026-01-31 12:00") == 1_769_860_800_000  # the tests pin local time to UTC
    with pytest.raises(FedstoreError, match="is not a time"):
        parse_time_ms("yesterday")


@pytest.mark.parametrize(
    ("given", "shown"), [("24", "24h"), (" 168 ", "7d"), ("720", "30d"), ("36", "36h"), ("036", "36h"), ("90m", "90m")]
)
def test_hours_are_shown_with_their_unit(given: str, shown: str) -> None:
    window = Window.ending(given, BASE_MS)
    assert (window.label, window.length_ms) == (shown, parse_duration_ms(given))


def test_a_window_contains_its_moment() -> None:
    window = Window.ending("1h", BASE_MS + 90_500)
    assert (window.start_ms, window.end_ms) == (BASE_MS + 120_000 - HOUR_MS, BASE_MS + 120_000)
    assert window.before() == Window(window.start_ms - HOUR_MS, window.start_ms, "1h", live=False)

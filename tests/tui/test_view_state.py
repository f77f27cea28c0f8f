"""The steps from one view state to the next."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.window import WINDOW_LABELS
from fedtop import state
from fedtop.state import INTERVALS_S, Sort, ViewState, window_of

NOW = 1_773_146_096_789
labels = st.sampled_from(WINDOW_LABELS)
finite = st.sampled_from([label for label in WINDOW_LABELS if label != "all"])


@pytest.mark.parametrize("label", WINDOW_LABELS[1:-1])
def test_wider_and_narrower_undo_each_other(label: str) -> None:
    view = ViewState(window=label)
    assert state.narrower(state.wider(view)) == view
    assert state.wider(state.narrower(view)) == view


def test_wider_visits_every_window_and_stops_at_the_longest() -> None:
    view, seen = ViewState(window="15m"), []
    for _ in WINDOW_LABELS:
        seen.append(view.window)
        view = state.wider(view)
    assert tuple(seen) == WINDOW_LABELS
    assert view.window == "all"


def test_narrower_stops_at_the_shortest() -> None:
    assert state.narrower(ViewState(window="15m")).window == "15m"


@pytest.mark.parametrize(
    ("label", "longer", "shorter"),
    [("90m", "6h", "1h"), ("5m", "15m", "5m"), ("2w", "30d", "7d"), ("400d", "all", "30d")],
)
def test_a_window_of_its_own_length_leads_to_the_named_ones_around_it(label: str, longer: str, shorter: str) -> None:
    assert state.wider(ViewState(window=label)).window == longer
    assert state.narrower(ViewState(window=label)).window == shorter


@given(finite, st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_windows_step_without_gap_or_overlap(label: str, steps: int) -> None:
    view = ViewState(window=label)
    newer = window_of(view, NOW)
    for _ in range(steps):
        view = state.stepped(view, -1, NOW)
        older = window_of(view, NOW)
        assert older.end_ms == newer.start_ms
        assert older.length_ms == newer.length_ms
        assert not older.live
        newer = older
    for _ in range(steps):
        view = state.stepped(view, 1, NOW)
    assert view == ViewState(window=label)


def test_stepping_forth_from_the_present_stays_there() -> None:
    assert state.stepped(ViewState(), 1, NOW).at_ms is None


def test_all_time_has_nowhere_to_step_to() -> None:
    view = ViewState(window="all")
    assert state.stepped(view, -1, NOW) == view


def test_interval_stops_at_both_ends() -> None:
    view = ViewState(interval_s=INTERVALS_S[0])
    assert state.faster(view) == view
    for _ in INTERVALS_S:
        view = state.slower(view)
    assert view.interval_s == INTERVALS_S[-1]
    assert state.slower(view) == view
    assert state.faster(view).interval_s == INTERVALS_S[-2]


def test_a_pause_holds_the_window_and_stays_live() -> None:
    halted = state.paused(ViewState(), NOW)
    later = window_of(halted, NOW + 3_600_000)
    assert later == window_of(ViewState(), NOW)
    assert later.live
    assert state.resumed(halted) == ViewState()


def test_a_jump_shows_the_moment_and_ends_the_pause() -> None:
    moment = NOW - 40 * 86_400_000
    view = state.jumped(state.paused(ViewState(), NOW), moment)
    window = window_of(view, NOW)
    assert window.start_ms <= moment < window.end_ms
    assert not window.live
    assert state.live(view) == ViewState()


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(min_size=1, max_size=5)),
    st.sampled_from("abc"),
    st.text(max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_a_filter_concerns_one_panel_only(filters: dict[str, str], panel: str, text: str) -> None:
    view = state.filtered(ViewState(filters=filters), panel, text)
    assert view.filter_of(panel) == text
    assert {k: v for k, v in view.filters.items() if k != panel} == {k: v for k, v in filters.items() if k != panel}
    assert all(view.filters.values())


def test_sorts_are_kept_per_table() -> None:
    view = state.sorted_by(ViewState(), "agents/a", Sort("cost", True))
    view = state.sorted_by(view, "agents/b", Sort("name", False))
    view = state.sorted_by(view, "agents/a", Sort("cost", False))
    assert view.sorts == {"agents/a": Sort("cost", False), "agents/b": Sort("name", False)}

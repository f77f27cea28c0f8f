"""What the palette takes for an answer to what was typed, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedtop.finding import matches, score


@pytest.mark.parametrize(
    ("typed", "name", "more"),
    [
        ("kimi", "Back in time  (,)", "The window before this one"),
        ("layer", "Look at all that is there", ""),
        ("agent codex", "Agent kimi", "Open this agent"),
        ("", "Quit  (q)", ""),
        ("   ", "Quit  (q)", ""),
    ],
)
def test_what_does_not_say_it_is_no_answer(typed: str, name: str, more: str) -> None:
    assert score(typed, name, more) == 0


def test_the_nearer_answer_comes_first() -> None:
    answers = [
        score("agent kimi", "Agent kimi"),
        score("agent kimi", "Agent kimi-2"),
        score("kimi", "Agent kimi"),
        score("imi", "Agent kimi"),
        score("tasks", "Optimize  (o)", "Propose boosts from tasks"),
    ]
    assert answers == sorted(answers, reverse=True)
    assert len(set(answers)) == len(answers)
    assert answers[0] == 1


@given(st.text(max_size=12), st.text(max_size=30), st.text(max_size=30))
def test_every_word_of_an_answer_is_in_it(typed: str, name: str, more: str) -> None:
    found = score(typed, name, more)
    assert 0 <= found <= 1
    if found:
        text = f"{name} {more}".casefold()
        assert all(word in text for word in typed.casefold().split())
    for start, end in matches(typed, name):
        assert name.casefold()[start:end] in typed.casefold()

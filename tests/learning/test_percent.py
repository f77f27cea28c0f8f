"""Numbers in sentences."""

from __future__ import annotations

import pytest

from fedstore.learning.percent import are, counted, were


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 decisions"), (1, "1 decision"), (2, "2 decisions"), (1_284, "1,284 decisions")]
)
def test_one_thing_is_not_many(n: int, said: str) -> None:
    assert counted(n, "decision") == said


def test_a_plural_of_its_own_and_the_verbs() -> None:
    assert counted(2, "error or refusal", "errors or refusals") == "2 errors or refusals"
    assert [(are(n), were(n)) for n in (0, 1, 2)] == [("are", "were"), ("is", "was"), ("are", "were")]

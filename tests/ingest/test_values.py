"""What readers share: counts as proxies write them, ids that tell calls apart."""

from __future__ import annotations

from typing import Any

import pytest

from fedstore.errors import EventError
from fedstore.ingest.values import count_of, fact_id, is_issued


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (7, 7),
        (1200.0, 1200),
        ("1200", 1200),
        ("1200.0", 1200),
        (" 4 ", 4),
        (None, 0),
        ("999999999999999999", 10**18 - 1),
    ],
)
def test_a_count_is_read_as_proxies_write_it(value: Any, count: int) -> None:
    assert count_of({"input_tokens": value}, "input_tokens") == count
    assert count_of({}, "input_tokens") == 0


@pytest.mark.parametrize("value", [-1, -2.0, 1.5, "many", "1.5", True, [], float("nan"), float("inf")])
def test_anything_else_is_no_count(value: Any) -> None:
    with pytest.raises(EventError, match=r"total\.input_tokens: must be a whole number of tokens"):
        count_of({"input_tokens": value}, "input_tokens", "total")


@pytest.mark.parametrize(
    "text",
    [
        "call_190aedd28adc48f1802c", "toolu_01A09q90qw90lq917835lq9", "call_R2GFaM7kPq0sT4uVwX8yZ1aB",
        "chatcmpl-tool-3f5a1d0c9b8e47f6a2d1c0b9e8f7a6d5", "tooluse_k-9Ab_3dEfGhIjKlMn0pQr",
        "01a23166-6874-71e0-9931-0cbcdd4f255b",
    ],
)  # fmt: skip
def test_ids_drawn_by_an_api_tell_calls_apart(text: str) -> None:
    assert is_issued(text)


@pytest.mark.parametrize(
    "text",
    ["Bash_0", "functions.exec_command:3", "call_1", "", "call_", "exec_command_0000000000000001", "call_" + "x" * 30],
)
def test_ids_that_count_up_do_not(text: str) -> None:
    assert not is_issued(text)


def test_a_long_id_keeps_its_beginning_and_its_difference() -> None:
    assert fact_id("codex", "s", "1") == "codex:s:1"
    long, other = fact_id("codex", "y" * 300 + "a"), fact_id("codex", "y" * 300 + "b")
    assert long != other
    assert long.startswith("codex:yyy")
    assert max(len(long), len(other)) <= 200

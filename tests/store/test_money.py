"""Money that is a lower bound, unknown, or more than can be: what is stored, what the views say of it."""

from __future__ import annotations

from typing import Any

import pytest

from fedstore.engine.merging import merge_text
from fedstore.engine.tables import MOST
from fedstore.errors import EventError
from fedstore.facts.kinds import SUMMARIES
from fedstore.queries.models import Money
from fedstore.recording.writer import validated
from fedstore.store import Store
from fedstore.upkeep.audit import disagreements
from tests.conftest import NOW_MS, Clock


def call(number: int, at: int = NOW_MS, **more: Any) -> dict[str, Any]:
    fields = {"agent": "a", "model": "gpt-5.4", "provider": "openai", "input_tokens": 1_000_000, "at": at, **more}
    return {"kind": "usage", "id": str(number), **fields}


def costs(store: Store) -> Any:
    return store.reader().costs(store.reader().window("24h"))


def test_what_a_price_depends_on_is_kept(store: Store) -> None:
    written = {"cache_write_tokens": 900, "cache_write_1h_tokens": 400}
    store.writer().write([call(1, service_tier="priority", **written), call(2)])
    assert store.database.read(
        "SELECT service_tier, cache_write_tokens, cache_write_1h_tokens, cost_basis FROM llm_calls ORDER BY id"
    ) == [("priority", 900, 400, "computed"), ("", 0, 0, "computed")]
    (row,) = costs(store).rows
    assert (row.cache_write_tokens, row.cache_write_1h_tokens) == (900, 400)
    assert disagreements(store.database) == []


def test_a_tier_that_the_price_list_knows_has_its_price(store: Store) -> None:
    tiers = ["", "default", "priority", "fast"]
    store.writer().write([call(n, service_tier=tier, input_tokens=100_000) for n, tier in enumerate(tiers)])
    assert store.database.read("SELECT cost_nano, cost_basis FROM llm_calls ORDER BY id") == [
        (250_000_000, "computed"), (250_000_000, "computed"), (500_000_000, "computed"), (500_000_000, "computed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("calls", "mark"),
    [
        ([{"cost_usd": 1.5}], "reported"),
        ([{"cost_usd": 1.5}, {}], "computed"),
        ([{}, {"service_tier": "turbo"}], "at least"),  # dearer by nobody knows what
        ([{}, {"output_is_minimum": True}], "at least"),  # it had more output than it says
        ([{"cost_usd": 2, "output_is_minimum": True}], "reported"),
        ([{"service_tier": "turbo"}, {"model": "nobody-knows"}], "unpriced"),
    ],
)
def test_the_weakest_basis_is_shown(store: Store, calls: list[dict[str, Any]], mark: str) -> None:
    store.writer().write([call(number, **more) for number, more in enumerate(calls)])
    reader = store.reader()
    window = reader.window("24h")
    views = (reader.costs(window).total, reader.overview(window).cost, reader.agents(window).rows[0].cost)
    assert {money.mark for money in views} == {mark}
    assert len(set(views)) == 1
    assert disagreements(store.database) == []


def test_a_tier_without_a_price_costs_at_least_the_standard(store: Store) -> None:
    store.writer().write([call(1), call(2, service_tier="turbo")])
    (standard, basis), (bound, bound_basis) = store.database.read(
        "SELECT cost_nano, cost_basis FROM llm_calls ORDER BY id"
    )
    assert (standard, basis, bound_basis) == (bound, "computed", "at least")
    assert costs(store).total.nano == 2 * standard


def test_what_nobody_told_is_not_zero(store: Store) -> None:
    store.writer().write([{"kind": "run", "agent": "kimi", "at": NOW_MS, "success": True}])
    reader = store.reader()
    overview = reader.overview(reader.window("24h"))
    (row,) = reader.agents(reader.window("24h")).rows
    assert (row.tokens, overview.tokens, costs(store).tokens) == (None, None, None)
    for money in (row.cost, overview.cost, overview.cost_today, overview.cost_month):
        assert (money.known, money.mark, money.nano) == (False, "none", 0)


def test_a_call_that_cost_nothing_is_known_to() -> None:
    assert (Money(calls=1).known, Money(calls=1).mark) == (True, "reported")


@pytest.mark.parametrize("kind", ["usage", "execution"])
def test_a_call_of_more_than_any_call_costs_is_refused(kind: str) -> None:
    given = {"kind": kind, "agent": "a", "tool": "t", "at": NOW_MS}
    given.pop("tool" if kind == "usage" else "", None)
    assert validated({**given, "cost_usd": 10_000}).cost_usd == 10**13  # type: ignore[union-attr]
    with pytest.raises(EventError, match="cost_usd: must be between 0 and 10000 USD"):
        validated({**given, "cost_usd": 10_000.01})


def test_sums_stop_growing_and_bring_nothing_down(store: Store, clock: Clock) -> None:
    """Amounts in a wrong unit: two minutes of an hour ago, each almost full, and their tens of minutes over full."""
    ago = NOW_MS - 3_600_000
    ago -= ago % 600_000
    writer = store.writer()
    for minute in range(2):
        for part in range(2):
            batch = [
                call(2_000 * minute + 1_000 * part + n, ago + 60_000 * minute, cost_usd=10_000) for n in range(700)
            ]
            assert writer.write(batch).taken == 700
    clock.advance(3_600_000)
    assert writer.write([{"kind": "run", "agent": "innocent", "at": clock(), "success": True}]).taken == 1
    nano = store.database.read("SELECT width, MAX(reported_nano) FROM spend_buckets GROUP BY width ORDER BY width")
    assert {most for _, most in nano} == {MOST}
    assert costs(store).total.nano <= 2 * MOST
    reader = store.reader()
    assert reader.overview(reader.window("24h")).tasks == 1


def test_only_amounts_are_asked_whether_they_are_full() -> None:
    """Every durable call would pay for each sum that is; none counts to the end one by one."""
    asked = {
        column
        for summary in SUMMARIES.values()
        for column in summary.sums
        if f"{column} = MIN({summary.name}.{column} + excluded.{column}, {MOST})" in merge_text(summary.table)
    }
    amounts = {
        name for summary in SUMMARIES.values() for name in summary.sums if name.endswith(("nano", "us", "tokens"))
    }
    assert asked == amounts
    assert {"duration_us", "latency_us", "cost_nano", "reported_nano", "input_tokens", "tokens"} <= asked

"""When the newest fact of a kind, or of a name, happened: against the events themselves."""

from __future__ import annotations

import pytest

from fedstore.store import Store
from fedstore.upkeep.retention import purge
from tests.conftest import Clock
from tests.queries.conftest import Filled
from tests.queries.federation import Event, events

MINUTE, DAY = 60_000, 86_400_000


def last_minute(made: list[Event], kinds: tuple[str, ...], **fields: str) -> int | None:
    """The last millisecond of the newest minute in which such an event happened."""
    at = [e["at"] for e in made if e["kind"] in kinds and all(e[k] == v for k, v in fields.items())]
    return max(at) // MINUTE * MINUTE + MINUTE - 1 if at else None


@pytest.mark.parametrize("shift_days", [0, 1, 2])
def test_each_topic_knows_its_newest_fact(filled: Filled, shift_days: int) -> None:
    """Runs stop some days before the rest, and one agent, tool and layer some days before that."""
    made = [
        {**e, "at": e["at"] - DAY * shift_days * ((e["kind"] == "run") + (e.get("agent") == "kimi"))}
        for e in events(seed=7, n=60)
    ]
    reader = filled(made)
    assert reader.newest_ms() == last_minute(made, ("run", "usage", "execution", "route"))
    assert reader.newest_ms("agent") == last_minute(made, ("run", "usage", "execution"))
    assert reader.newest_ms("task_type") == last_minute(made, ("run", "execution"))
    assert reader.newest_ms("tool") == last_minute(made, ("execution",))
    assert reader.newest_ms("layer") == last_minute(made, ("route",))
    for task_type in ("implementation", "review"):
        assert reader.newest_ms("task_type", task_type) == last_minute(made, ("run",), task_type=task_type)
    for tool in ("bash", "edit"):
        assert reader.newest_ms("tool", tool) == last_minute(made, ("execution",), tool=tool)
    for layer in ("keyword", "rag", "clarification"):
        asked = [e for e in made if e["kind"] == "route" and layer in [a["layer"] for a in e["attempts"]]]
        assert reader.newest_ms("layer", layer) == last_minute(asked, ("route",))
    for topic in ("agent", "task_type", "tool", "layer"):
        assert reader.newest_ms(topic, "nobody") is None


def test_a_name_not_seen_for_months_is_found_in_its_day(store: Store, clock: Clock) -> None:
    """Its minutes and hours are purged, its day is not."""
    writer = store.writer()
    run = {"kind": "run", "agent": "old", "success": True}
    assert writer.write([{**run, "at": clock.now_ms}]).taken == 1
    first = clock.now_ms
    for _ in range(60):
        clock.advance(DAY)
        writer.write([{**run, "agent": "new", "at": clock.now_ms}])
    assert store.reader().newest_ms("agent", "old") == first // MINUTE * MINUTE + MINUTE - 1
    purge(store.database, store.settings, clock.now_ms)
    found = store.reader().newest_ms("agent", "old")
    assert found is not None
    assert found // DAY == first // DAY
    assert store.reader().agents(store.reader().window("24h", found)).rows[0].name == "old"


def test_a_run_that_goes_on_was_heard_of(store: Store, clock: Clock) -> None:
    store.writer().write([{"kind": "run_state", "id": "r", "agent": "kimi", "task_type": "review", "at": clock.now_ms}])
    reader = store.reader()
    assert [reader.newest_ms("agent", name) for name in ("", "kimi", "codex")] == [clock.now_ms, clock.now_ms, None]
    assert reader.newest_ms("task_type", "review") == clock.now_ms
    assert reader.newest_ms("layer") is None


def test_nothing_is_newest_in_an_empty_store(store: Store) -> None:
    reader = store.reader()
    assert {reader.newest_ms(topic) for topic in ("any", "agent", "task_type", "spend", "tool", "layer")} == {None}

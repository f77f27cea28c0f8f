"""Summaries are a pure function of the set of facts: no order, repetition or cut into batches changes a byte."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.facts.kinds import SUMMARIES
from fedstore.facts.summaries import roll_up
from fedstore.store import Store
from fedstore.widths import WIDTHS
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.store.recount import HOUR, MINUTE, recount, unpacked, widened

START = NOW_MS - 50 * HOUR
END = NOW_MS + 30 * HOUR
TABLES = {"agent": "agent_buckets", "error": "error_buckets", "spend": "spend_buckets", "tool": "tool_buckets",
          "route": "route_buckets", "layer": "layer_buckets"}  # fmt: skip

times = st.integers(0, 42 * 60).map(lambda minute: START + minute * MINUTE + 17)
judged_at = st.sampled_from([START + n * HOUR for n in (1, 20, 40)])
"""Few moments, so that several verdicts fall into one, and the id has to tell which is the newer."""

names = st.sampled_from(["a", "b", "c"])
truth = st.none() | st.booleans()
shares = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])
millis = st.none() | st.integers(0, 10_000_000_000).map(lambda us: us / 1000)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields).map(lambda d: {k: v for k, v in d.items() if v is not None})


runs = optional(
    kind=st.just("run"), agent=names, task_type=st.sampled_from(["", "t"]), at=times, duration_ms=millis, success=truth,
    rework=truth, quality=shares, qa=st.sampled_from([None, "passed", "failed"]),
    error_class=st.sampled_from([None, "Timeout", "api_error 529"]),
)  # fmt: skip
usages = optional(
    kind=st.just("usage"), agent=names, model=st.just("no-such-model"), at=times, input_tokens=st.integers(1, 900),
    output_tokens=st.integers(0, 9), cost_usd=st.none() | st.sampled_from([0.0, 0.125, 1.5]),
)  # fmt: skip
executions = optional(
    kind=st.just("execution"), agent=names, tool=names, at=times, duration_ms=millis, success=truth,
    cost_usd=st.none() | st.sampled_from([0.0, 0.25]), run_id=st.sampled_from(["", "r"]),
    task_type=st.sampled_from(["", "t"]), effort=st.sampled_from(["", "LOW", "HIGH"]), browser_used=st.booleans(),
)  # fmt: skip
outcomes = st.none() | optional(correct=truth, correct_agent=st.none() | names, quality=shares)


@st.composite
def routes(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 3))
    decides = draw(st.integers(0, count - 1))
    attempts = [
        draw(optional(layer=st.just(f"L{i}"), agent=names, confidence=shares, accepted=st.just(i == decides),
                      shadow=st.just(i > decides), error_class=st.sampled_from(["", "Timeout"])))
        for i in range(count)
    ]  # fmt: skip
    event = draw(optional(kind=st.just("route"), agent=names, at=times, latency_ms=millis, outcome=outcomes))
    return {**event, "layer": f"L{decides}", "attempts": attempts}


def verdicts(subject: str, ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    about = {"success": truth, "rework": truth, "qa": st.sampled_from([None, "error"])} if subject == "run" else {
        "correct": truth, "correct_agent": st.none() | names}  # fmt: skip
    where = {
        "kind": st.just("verdict"), "subject": st.just(subject), "at": judged_at, "subject_id": st.sampled_from(ids),
        "source": st.sampled_from(["grade", "label", "check"]),
    }  # fmt: skip
    said = optional(**where, quality=shares, **about).filter(lambda e: len(e) > len(where))
    return said | said | optional(**where, clear=st.just(True))


@st.composite
def judged(draw: st.DrawFn, facts: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Several verdicts on each of a few runs (or routes), and perhaps some on one that never was recorded."""
    ids = [fact["id"] for fact in facts if fact["kind"] == kind][:3]
    said = [draw(st.lists(verdicts(kind, [identity]), min_size=2, max_size=4)) for identity in ids]
    return [*(one for some in said for one in some), *draw(st.lists(verdicts(kind, ["never"]), max_size=1))]


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    facts = draw(st.lists(runs | usages | executions | routes(), min_size=1, max_size=12))
    facts = [{**fact, "id": str(i)} for i, fact in enumerate(facts)]
    late = [*draw(judged(facts, "run")), *draw(judged(facts, "route"))]
    return facts + [{**v, "id": f"v{i}"} for i, v in enumerate(late)]


@st.composite
def recordings(draw: st.DrawFn, events: list[dict[str, Any]]) -> list[tuple[int, list[dict[str, Any]]]]:
    """The events in any order, some twice, in batches, each at its time; time may go back."""
    repeated = draw(st.lists(st.sampled_from(events), max_size=5))
    order = draw(st.permutations(events + repeated))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=4)))
    edges = [0, *cuts, len(order)]
    clocks = draw(st.lists(st.integers(-8 * 60, 29 * 60), min_size=len(edges), max_size=len(edges)))
    return [
        (NOW_MS + minute * MINUTE, order[a:b]) for a, b, minute in zip(edges, edges[1:], clocks, strict=False) if a < b
    ]


def recorded(batches: list[tuple[int, list[dict[str, Any]]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Every summary row (and the layers) after recording, with everything rolled up to the same moment."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        path.write_bytes(_blank())
        return _record(Store(path, clock=clock), clock, batches)


@functools.cache
def _blank() -> bytes:
    """An empty store: copied, because making one takes longer than all the rest of a test."""
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder) / "s.db").close()
        return (Path(folder) / "s.db").read_bytes()


def _record(
    store: Store, clock: Clock, batches: list[tuple[int, list[dict[str, Any]]]]
) -> dict[str, list[tuple[Any, ...]]]:
    with store:
        writer = store.writer()
        for now, events in batches:
            clock.now_ms = now
            receipt = writer.write(events)
            assert receipt.rejected == []
        with store.database.write() as tx:
            roll_up(tx, END)
        tables = {table: store.database.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in SUMMARIES}
        tables["layers"] = store.database.read("SELECT * FROM layers ORDER BY name")
        return tables


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_order_repetition_and_batches_change_nothing(data: st.DataObject) -> None:
    events = data.draw(histories())
    one = data.draw(recordings(events))
    other = data.draw(recordings(events))
    assert recorded(one) == recorded(other)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_every_width_is_what_counting_the_events_gives(data: st.DataObject) -> None:
    events = data.draw(histories())
    tables = recorded(data.draw(recordings(events)))
    counted = recount(events)
    assert any(counted.values())
    for short, table in TABLES.items():
        keys, bins = len(SUMMARIES[table].keys), len(SUMMARIES[table].bins)
        found: dict[int, Any] = {width: {} for width in WIDTHS}
        for row in tables[table]:
            key, value = unpacked(row[1:], keys, bins)
            found[row[0]][key] = value
        assert found[MINUTE] == counted[short]
        for width in WIDTHS[1:]:
            assert found[width] == widened(counted[short], width, END // width * width)

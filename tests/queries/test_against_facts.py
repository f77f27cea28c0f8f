"""Every figure of every view, derived a second time from the events themselves."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from fedstore.engine.sqlite import Database
from fedstore.facts.events import Usage
from fedstore.facts.pricing import price
from fedstore.facts.validation import fields_of
from fedstore.queries import Reader
from fedstore.queries.models import Ungraded
from tests.queries.conftest import Filled
from tests.queries.federation import NOW_MS, Event, events, failed, of, ok, quantile

LABELS = ("15m", "1h", "6h", "24h", "7d", "30d", "all")
MINUTE, HOUR = 60_000, 3_600_000


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("at_ms", [None, NOW_MS - 5_432_100])
def test_overview_counts_what_was_recorded(filled: Filled, label: str, at_ms: int | None) -> None:
    made = events(seed=1)
    reader = filled(made)
    window = reader.window(label, at_ms)
    view = reader.overview(window)
    runs = of("run", made, window.start_ms, window.end_ms)
    assert view.tasks == len(runs)
    assert (view.success.hits, view.success.n) == (sum(map(ok, runs)), sum(ok(r) or failed(r) for r in runs))
    durations = [r["duration_ms"] for r in runs if r["duration_ms"] is not None]
    assert view.durations.n == len(durations)
    if durations:
        assert view.durations.mean_ms == pytest.approx(sum(durations) / len(durations))
        assert view.durations.p95_ms == pytest.approx(quantile(durations, 0.95), rel=0.02)
        assert view.durations.p50_ms == pytest.approx(quantile(durations, 0.5), rel=0.02)
    uses = of("usage", made, window.start_ms, window.end_ms)
    tools = of("execution", made, window.start_ms, window.end_ms)
    assert (view.tokens or 0) == sum(u["input_tokens"] + u["output_tokens"] for u in uses) + sum(
        t["tokens"] or 0 for t in tools
    )
    assert view.cost.nano == sum(_nano(u) or 0 for u in uses) + sum(round((t["cost_usd"] or 0) * 1e9) for t in tools)
    end = datetime.fromtimestamp((window.end_ms - 1) / 1000, UTC)
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    for money, since in ((view.cost_today, midnight), (view.cost_month, midnight.replace(day=1))):
        uses, tools = (of(kind, made, int(since.timestamp() * 1000), window.end_ms) for kind in ("usage", "execution"))
        spent = sum(_nano(u) or 0 for u in uses) + sum(round((t["cost_usd"] or 0) * 1e9) for t in tools)
        assert money.nano == spent
    costs = reader.costs(window)
    assert (costs.today, costs.month) == (view.cost_today, view.cost_month)
    assert [item.run_id for item in view.feed] == _newest(runs, 30)
    assert sum(p.ok for p in view.series) == view.success.hits
    assert sum(p.ok + p.failed + p.unknown for p in view.series) == len(runs)


@pytest.mark.parametrize("hours", [-11, -3.5, 5.75, 14])
def test_days_and_months_are_those_of_the_zone(filled: Filled, tmp_path: Path, hours: float) -> None:
    made = events(seed=8)
    filled(made)
    zone = timezone(timedelta(hours=hours))
    reader = Reader(Database(tmp_path / "store.db"), clock=lambda: NOW_MS, tz=zone)
    view = reader.costs(reader.window("24h"))
    midnight = datetime.fromtimestamp(NOW_MS / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for money, since in ((view.today, midnight), (view.month, midnight.replace(day=1))):
        uses, tools = (of(kind, made, int(since.timestamp() * 1000), NOW_MS + 1) for kind in ("usage", "execution"))
        assert money.nano == sum(_nano(u) or 0 for u in uses) + sum(round((t["cost_usd"] or 0) * 1e9) for t in tools)


def _nano(usage: Event) -> int | None:
    return price(fields_of(Usage(**usage)), NOW_MS)[0]


def _newest(rows: list[Event], limit: int) -> list[str]:
    return [r["id"] for r in sorted(rows, key=lambda r: (r["at"], r["id"]), reverse=True)[:limit]]


@pytest.mark.parametrize("label", LABELS)
def test_agents_and_their_matrix(filled: Filled, label: str) -> None:
    made = events(seed=2)
    reader = filled(made)
    window = reader.window(label)
    view = reader.agents(window)
    runs = of("run", made, window.start_ms, window.end_ms)
    assert {row.name for row in view.rows} == {r["agent"] for r in runs}
    for row in view.rows:
        mine = [r for r in runs if r["agent"] == row.name]
        assert row.tasks == len(mine) == sum(row.spark)
        assert (row.success.hits, row.success.n) == (sum(map(ok, mine)), sum(ok(r) or failed(r) for r in mine))
        assert (row.rework.hits, row.rework.n) == (
            sum(r["rework"] is True for r in mine),
            sum(r["rework"] is not None for r in mine),
        )
        assert row.ungraded == _ungraded(mine)
        ended = Counter(r["error_class"] for r in mine if r["error_class"])
        assert dict(reader.agent(row.name, window).errors) == ended
        qualities = [r["quality"] for r in mine if r["quality"] is not None]
        assert row.quality == (pytest.approx(sum(qualities) / len(qualities)) if qualities else None)
        ended = [r["at"] for r in made if r["kind"] == "run" and r["agent"] == row.name]
        executed = [t["at"] // MINUTE * MINUTE for t in of("execution", made, window.end_ms - HOUR, window.end_ms)
                    if t["agent"] == row.name]  # fmt: skip
        assert row.last_ms == max(ended + executed)
    assert reader.overview(window).ungraded == _ungraded(runs)
    cells = {(c.agent, c.task_type): (c.tasks, c.success.hits, c.success.n) for c in view.cells}
    expected: dict[tuple[str, str], list[int]] = {}
    for r in runs:
        counts = expected.setdefault((r["agent"], r["task_type"]), [0, 0, 0])
        counts[0] += 1
        counts[1] += ok(r)
        counts[2] += ok(r) or failed(r)
    assert cells == {key: tuple(value) for key, value in expected.items()}


def _ungraded(runs: list[Event]) -> Ungraded:
    mine = [r for r in runs if r["success"] is None]
    errors = Counter(r["error_class"] for r in mine if r["error_class"])
    return Ungraded(len(mine), tuple(sorted(errors.items(), key=lambda item: (-item[1], item[0]))))


@pytest.mark.parametrize("dimension", ["model", "agent", "project"])
def test_costs_by_dimension(filled: Filled, dimension: str) -> None:
    made = events(seed=3)
    reader = filled(made)
    window = reader.window("24h")
    view = reader.costs(window, dimension)
    uses = of("usage", made, window.start_ms, window.end_ms)
    tools = [t for t in of("execution", made, window.start_ms, window.end_ms) if t["cost_usd"] or t["tokens"]]
    known = {u["id"]: _nano(u) for u in uses}
    for row in view.rows:
        mine = [u for u in uses if u[dimension] == row.name]
        spent = [t for t in tools if t.get(dimension, "") == row.name]
        assert row.calls == len(mine) + len(spent)
        told = [e for e in (*mine, *spent) if e["cost_usd"] is not None]
        assert row.cost.reported_nano == sum(round(e["cost_usd"] * 1e9) for e in told)
        computed = sum(known[u["id"]] or 0 for u in mine if u["cost_usd"] is None)
        assert row.cost.computed_nano == computed
        hidden = [u for u in mine if known[u["id"]] is None]
        assert row.cost.unpriced_calls == len(hidden) + sum(t["cost_usd"] is None for t in spent)
        assert row.cost.unpriced_tokens == sum(u["input_tokens"] + u["output_tokens"] for u in hidden) + sum(
            t["tokens"] for t in spent if t["cost_usd"] is None
        )
        unpriced = hidden or any(t["cost_usd"] is None for t in spent)
        assert row.cost.mark == ("unpriced" if unpriced else "computed" if computed else "reported")
    names = {u[dimension] for u in uses} | {t.get(dimension, "") for t in tools}
    assert {row.name for row in view.rows} == names
    assert sum(p.cost_nano for p in view.series) == view.total.nano == sum(r.cost.nano for r in view.rows)


@pytest.mark.parametrize("dimension", ["model", "agent", "project"])
def test_costs_of_some_names_are_those_of_a_store_without_the_others(filled: Filled, dimension: str) -> None:
    made = [e for e in events(seed=3) if e["kind"] != "execution"]
    reader = filled(made)
    names = sorted({e[dimension] for e in of("usage", made, 0, 2**62)})[::2]
    window = reader.window("24h")
    found = reader.costs(window, dimension, names)
    alone = filled([e for e in made if e["kind"] != "usage" or e[dimension] in names], "alone.db")
    expected = alone.costs(window, dimension)
    assert 0 < len(found.rows) < len(reader.costs(window, dimension).rows)
    assert [row.name for row in found.rows] == [row.name for row in expected.rows]
    for what in ("total", "tokens", "today", "month", "month_projected_nano", "series", "models"):
        assert getattr(found, what) == getattr(expected, what), what


@pytest.mark.parametrize("label", LABELS)
def test_cascade_layers(filled: Filled, label: str) -> None:
    made = events(seed=4)
    reader = filled(made)
    window = reader.window(label)
    view = reader.cascade(window)
    routes = of("route", made, window.start_ms, window.end_ms)
    assert view.routes == len(routes)
    graded = [r for r in routes if "outcome" in r]
    speaks_for = {r["layer"]: [g["outcome"]["correct"] for g in graded if g["layer"] == r["layer"]] for r in routes}
    heard = [sum(grades) / len(grades) for r in routes if (grades := speaks_for[r["layer"]])]
    assert view.accuracy.n == len(graded)
    assert view.accuracy.value == (pytest.approx(sum(heard) / len(heard)) if heard else None)
    assert view.accuracy.silent == (pytest.approx(1 - len(heard) / len(routes)) if routes else 0.0)
    assert {row.name for row in view.layers} == {a["layer"] for r in routes for a in r["attempts"]}
    for row in view.layers:
        attempts = [a for r in routes for a in r["attempts"] if a["layer"] == row.name]
        taken = [r for r in routes if r["layer"] == row.name]
        assert row.attempts == len(attempts)
        assert (row.captured.hits, row.captured.n) == (len(taken), len(routes))
        assert (row.success.hits, row.success.n) == (len(taken), len(attempts))
        assert row.confidence == pytest.approx(sum(a["confidence"] for a in attempts) / len(attempts), abs=1e-6)
        mine = [r for r in graded if r["layer"] == row.name]
        assert (row.accuracy.hits, row.accuracy.n) == (sum(r["outcome"]["correct"] for r in mine), len(mine))
        latencies = [a["latency_ms"] for a in attempts if "latency_ms" in a]
        if latencies:
            assert row.durations.p95_ms == pytest.approx(quantile(latencies, 0.95), rel=0.02)
    assert [d.id for d in view.recent] == _newest(routes, 50)


def test_layer_histogram_tells_right_from_wrong(filled: Filled) -> None:
    made = events(seed=5)
    reader = filled(made)
    window = reader.window("7d")
    view = reader.layer("semantic", window)
    right = wrong = attempts = 0
    for route in of("route", made, window.start_ms, window.end_ms):
        for a in route["attempts"]:
            if a["layer"] != "semantic":
                continue
            attempts += 1
            if "outcome" not in route:
                continue
            correct = route["outcome"]["correct"]
            if a["accepted"]:
                right, wrong = right + correct, wrong + (not correct)
            elif correct:
                right, wrong = right + (a["agent"] == route["agent"]), wrong + (a["agent"] != route["agent"])
            else:
                wrong += a["agent"] == route["agent"]
    assert sum(b.attempts for b in view.bins) == attempts
    assert (sum(b.right for b in view.bins), sum(b.wrong for b in view.bins)) == (right, wrong)
    assert view.row is not None
    assert sum(b.accepted for b in view.bins) == view.row.captured.hits > 0


def test_tools_rest_on_thirty_days(filled: Filled) -> None:
    made = events(seed=6)
    reader = filled(made)
    view = reader.tools(reader.window("1h"))
    assert {row.name for row in view.rows} == {"bash", "edit"}
    for row in view.rows:
        mine = [e for e in made if e["kind"] == "execution" and e["tool"] == row.name]
        assert (row.calls, row.success.hits) == (len(mine), sum(e["success"] for e in mine))
        assert row.durations.mean_ms == pytest.approx(sum(e["duration_ms"] for e in mine) / len(mine))
        costs = [round(e["cost_usd"] * 1e9) for e in mine if e["cost_usd"] is not None]
        assert row.cost_nano == (sum(costs) if costs else None)
        theirs = {agent: [e["success"] for e in mine if e["agent"] == agent] for agent in {e["agent"] for e in mine}}
        by_agent = {agent: (rate.hits, rate.n) for agent, rate, runs in row.agents if runs == rate.n}
        assert by_agent == {agent: (sum(outcomes), len(outcomes)) for agent, outcomes in theirs.items()}
    detail = reader.tool("bash", reader.window("1h"))
    assert detail.row == next(row for row in view.rows if row.name == "bash")
    assert sum(p.ok + p.failed for p in detail.daily) == detail.row.calls


@pytest.mark.parametrize("milliseconds", [0.4, 1.4, 0.037])
def test_durations_below_a_millisecond_are_as_good_as_long_ones(filled: Filled, milliseconds: float) -> None:
    """Means exact, percentiles at most 2 % off, single facts as they were told."""
    said = {"at": NOW_MS - 5_000, "duration_ms": milliseconds}
    ran = {**said, "kind": "run", "agent": "a", "started_at": NOW_MS - 5_001}
    called = {**said, "kind": "execution", "agent": "a", "tool": "t", "success": True}
    reader = filled([{**event, "id": f"{event['kind']}{n}"} for n in range(50) for event in (ran, called)])
    window = reader.window("1h")
    overview, tool = reader.overview(window), reader.tool("t", window)
    assert tool.row is not None
    for durations in (overview.durations, tool.row.durations):
        assert durations.n == 50
        assert durations.mean_ms == pytest.approx(milliseconds, rel=1e-12)
        assert (durations.p50_ms, durations.p95_ms) == pytest.approx((milliseconds, milliseconds), rel=0.02)
    assert {item.duration_ms for item in overview.feed} == {milliseconds}
    assert {call.duration_ms for call in tool.recent} == {milliseconds}


def test_one_agent_in_detail(filled: Filled) -> None:
    made = events(seed=7)
    reader = filled(made)
    window = reader.window("24h")
    view = reader.agent("kimi", window)
    runs = [r for r in of("run", made, window.start_ms, window.end_ms) if r["agent"] == "kimi"]
    assert view.row is not None
    assert view.row.tasks == len(runs) == sum(c.tasks for c in view.task_types)
    assert [r.id for r in view.recent] == _newest(runs, 50)
    uses = [u for u in of("usage", made, window.start_ms, window.end_ms) if u["agent"] == "kimi"]
    assert {m.name: m.calls for m in view.models if m.name} == {
        name: sum(u["model"] == name for u in uses) for name in {u["model"] for u in uses}
    }
    assert reader.agent("nobody", window).row is None


def test_health_is_unknown_when_too_little_was_judged(filled: Filled) -> None:
    run = {"kind": "run", "agent": "a", "at": NOW_MS - 5_000, "duration_ms": 10}
    unjudged = filled([run])
    assert unjudged.overview(unjudged.window("1h")).health == "unknown"
    for n, health in ((9, "unknown"), (1, "ok")):  # nine are too few to tell, ten are not
        judged = filled([run | {"success": True, "at": NOW_MS - 4_000} for _ in range(n)])
        assert judged.overview(judged.window("1h")).health == health


def test_an_empty_store_knows_nothing(filled: Filled) -> None:
    reader = filled([])
    window = reader.window("24h")
    view = reader.overview(window)
    assert (view.tasks, view.success.value, view.durations.p95_ms, view.health) == (0, None, None, "unknown")
    assert view.newest_ms is None
    assert reader.cascade(window).layers == reader.costs(window).rows == reader.tools(window).rows == ()

"""A transcript can say that a run failed, never that it succeeded: that is no outcome, in stores of all ages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedstore import Store
from fedstore.engine.driver import sqlite3
from fedstore.facts.events import Run
from fedstore.ingest import import_paths
from fedstore.ingest.claude_code import SIDE_SOURCE
from fedstore.ingest.formats import FORMATS, format_named
from fedstore.ingest.reader import ungraded
from fedstore.upkeep.audit import disagreements
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.ingest.helpers import lines
from tests.ingest.transcripts import Session

HOUR = 3_600_000


def turns(good: int, failed: int, interrupted: int = 0) -> Session:
    """A session of so many turns that ended, that an API error ended, that were stopped."""
    session = Session()
    session.at = NOW_MS - 6 * HOUR
    for number in range(good + failed + interrupted):
        session.prompt(f"Task {number}")
        session.reply(f"m{number}")
        if number < failed:
            session.add("assistant", isApiErrorMessage=True, error="overloaded_error",
                        message={"model": "<synthetic>", "role": "assistant", "content": []})  # fmt: skip
        elif number < failed + interrupted:
            text = [{"type": "text", "text": "[Request interrupted by user]"}]
            session.add("user", message={"role": "user", "content": text})
    return session


def test_api_errors_of_a_transcript_are_told_and_no_rate(store: Store, clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "s1.jsonl").write_bytes(lines(*turns(100, 6, 3).entries))
    import_paths(store, [folder])
    reader = store.reader()
    view = reader.overview(reader.window("24h"))
    assert (view.tasks, view.success.n, view.ungraded.runs) == (109, 0, 109)
    assert view.ungraded.text == "6 ended in an API error, 3 interrupted, 100 not graded"
    assert view.health == "unknown"
    told = "claude-code: 6 ended in an API error, 3 interrupted, 100 not graded"
    assert [item for item in view.attention if item.severity != "warn" or "price" not in item.text] == [
        ("info", told, "agent:claude-code")
    ]
    detail = reader.agent("claude-code", reader.window("24h"))
    assert detail.row is not None
    assert (detail.row.success.value, detail.row.status) == (None, "unknown")
    assert detail.errors == (("api_error overloaded_error", 6), ("interrupted", 3))
    (on_type,) = reader.task_type("", reader.window("24h"))
    assert on_type.ungraded == view.ungraded == view.task_types[0].ungraded


def test_every_reader_of_an_agents_own_files_says_that_it_is_one_sided() -> None:
    one_sided = {found.name for found in map(format_named, ("claude-code", "codex")) if found and found.one_sided}
    assert one_sided == {"claude-code", "codex"}
    assert len(FORMATS) == 6, "a new format: can its runs say success and failure? See LineFormat.one_sided"


@pytest.mark.parametrize("success", [True, False, None])
def test_only_the_outcome_of_a_run_is_left_out(success: bool | None) -> None:
    run = {"kind": "run", "agent": "a", "success": success, "error_class": "api_error 529"}
    assert ungraded(run) == {**run, "success": None}
    assert ungraded(Run(agent="a", success=success, error_class="x")) == Run(agent="a", error_class="x")
    call = {"kind": "execution", "agent": "a", "tool": "t", "success": success}
    assert ungraded(call) == call


def test_a_verdict_on_such_a_run_counts(store: Store, tmp_path: Path) -> None:
    (tmp_path / "s1.jsonl").write_bytes(lines(*turns(1, 1).entries))
    import_paths(store, [tmp_path / "s1.jsonl"])
    reader = store.reader()
    failed, good = sorted(reader.runs(reader.window("24h")), key=lambda run: run.ended_ms)
    store.recorder().verdict("run", failed.id, success=False)
    row = reader.agents(reader.window("24h")).rows[0]
    assert (row.success.hits, row.success.n, row.ungraded.text) == (0, 1, "1 not graded")
    store.recorder().verdict("run", good.id, success=True)
    row = reader.agents(reader.window("24h")).rows[0]
    assert (row.success.hits, row.success.n, row.ungraded.runs) == (1, 2, 0)
    assert disagreements(store.database) == []


# --- stores of before ---------------------------------------------------------------------------------------------


def _run(number: int, hours: float, **more: Any) -> dict[str, Any]:
    at = NOW_MS - int(hours * HOUR)
    return {
        "kind": "run",
        "id": f"r{number}",
        "agent": "claude-code",
        "project": "p",
        "at": at,
        "duration_ms": 900,
        **more,
    }


BEFORE = [
    # What earlier readers made of turns that an API error ended, now, today and days ago.
    *(
        _run(n, hours, id=f"claude:s:{n}", success=False, error_class="api_error 529", source="claude-code")
        for n, hours in enumerate((0.01, 0.5, 5, 50, 400))
    ),
    _run(10, 3, id="claude:s:10", success=False, error_class="api_error", source=SIDE_SOURCE),
    _run(11, 70, id="codex:s:11", agent="codex", success=False, error_class="api_error", source="codex"),
    # What somebody judged, and what others recorded, under a name like it too.
    _run(20, 30, id="claude:s:20", success=False, error_class="api_error", source="claude-code"),
    {"kind": "verdict", "subject": "run", "subject_id": "claude:s:20", "success": False},
    _run(25, 9, id="claude:s:25", success=False, error_class="api_error", source="claude-code"),
    {"kind": "verdict", "subject": "run", "subject_id": "claude:s:25", "rework": True, "source": "grade"},
    _run(21, 2, success=False, error_class="Timeout", source="codex"),
    _run(22, 60, success=True, source="codex"),
    _run(23, 60, success=False, agent="codex"),
    _run(24, 7, success=None, error_class="interrupted", id="claude:s:24", source="claude-code"),
]  # fmt: skip


def _as_before(path: Path) -> None:
    """Take back what the migration makes, so that the store is as the version before it left it."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE error_buckets")
    connection.execute("DELETE FROM past WHERE name = 'error_buckets'")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0014_one_sided'")
    connection.commit()
    connection.close()


def test_failures_that_earlier_readers_made_up_are_taken_back(tmp_path: Path, clock: Clock) -> None:
    with Store(tmp_path / "s.db", clock=clock) as store:
        for event in sorted(BEFORE, key=lambda e: e.get("at", NOW_MS)):
            clock.now_ms = event.get("at", NOW_MS)
            assert store.writer().write([event]).taken == 1
        clock.now_ms = NOW_MS
        whole = [*store.database.read("SELECT * FROM error_buckets ORDER BY 1, 2, 3, 4, 5")]
    _as_before(tmp_path / "s.db")
    with Store(tmp_path / "s.db", clock=clock) as store:
        assert disagreements(store.database) == []
        graded = store.database.read("SELECT id, success FROM runs WHERE success IS NOT NULL ORDER BY id")
        assert graded == [("claude:s:20", 0), ("r21", 0), ("r22", 1), ("r23", 0)]
        counted = store.database.read("SELECT width, start, agent, task_type, error_class, runs FROM error_buckets")
        assert sorted(counted) == sorted(row[:6] for row in whole)
        clock.now_ms += 60_000
        store.recorder(source="grade").record({**BEFORE[10], "rework": None, "clear": True})
        assert store.database.read("SELECT success, rework FROM runs WHERE id = 'claude:s:25'") == [(None, None)]
        reader = store.reader()
        for label in ("24h", "30d", "all"):
            window = reader.window(label)
            for row in reader.agents(window).rows:
                mine = [e for e in BEFORE if e.get("agent") == row.name and window.start_ms <= e["at"] < window.end_ms]
                kept = [e for e in mine if e["id"] in {name for name, _ in graded}]
                assert (row.tasks, row.success.n) == (len(mine), len(kept)), (label, row.name)
                assert row.ungraded.errored == sum(bool(e.get("error_class")) and e not in kept for e in mine)

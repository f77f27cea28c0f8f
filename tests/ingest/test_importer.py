"""Importing: watermarks, increments, rewrites, quarantine, folders, following."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore import Settings, purge
from fedstore.demo.sample import sample_routes
from fedstore.engine.sqlite import Database
from fedstore.errors import StoreError
from fedstore.ingest import ImportFailedError, ImportReport, detect, formats, import_paths
from fedstore.ingest import importer as importer_module
from fedstore.ingest import tail as tail_module
from fedstore.ingest.lines import digest
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count, lines
from tests.ingest.transcripts import Session
from tests.store.older import write_older_store

END = 1_773_140_000_000
ROUTES = sample_routes(40, 7, END)
INIT = {"type": "system", "subtype": "init", "session_id": "s", "uuid": "u", "tools": []}
"""How the output of an agent begins that is known and not read."""


def event(n: int, **more: Any) -> dict[str, Any]:
    return {"kind": "run", "id": f"run-{n}", "agent": "kimi", "at": END + n, "success": n % 2 == 0, **more}


def totals(report: ImportReport) -> tuple[int, int, int]:
    return report.taken, report.known, report.rejected


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "performance.jsonl"
    path.write_bytes(lines(*ROUTES))
    return path


def test_importing_twice_changes_nothing(store: Store, log: Path) -> None:
    assert totals(import_paths(store, [log])) == (40, 0, 0)
    before = contents(store.database)
    assert totals(import_paths(store, [log])) == (0, 40, 0)
    assert totals(import_paths(store, [log], again=True)) == (0, 40, 0)
    assert contents(store.database) == before


def test_reading_again_what_was_purged_since_counts_nothing_twice(store: Store, log: Path, clock: Clock) -> None:
    import_paths(store, [log])
    clock.advance(40 * 86_400_000)
    purge(store.database, Settings(), clock.now_ms, pause=lambda _: None)
    assert count(store.database, "routes") == 1
    assert totals(import_paths(store, [log], again=True)) == (0, 40, 0)
    assert store.reader().cascade(store.reader().window("all")).routes == 40


def test_an_unchanged_file_is_not_read_again(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_paths(store, [log])

    parsed: list[bytes] = []
    original = tail_module.parse_line
    monkeypatch.setattr(tail_module, "parse_line", lambda raw: parsed.append(raw) or original(raw))
    assert totals(import_paths(store, [log])) == (0, 40, 0)
    assert not parsed
    import_paths(store, [log], again=True)
    assert len(parsed) == 40


def test_only_what_was_appended_is_read(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_paths(store, [log])
    parsed = []
    original = tail_module.parse_line
    monkeypatch.setattr(tail_module, "parse_line", lambda raw: parsed.append(raw) or original(raw))
    with log.open("ab") as file:
        file.write(lines(*sample_routes(5, 8, END)))
    assert totals(import_paths(store, [log])) == (5, 40, 0)
    assert len(parsed) == 5


def test_a_moved_file_is_known_and_a_rewritten_one_is_read_again(store: Store, log: Path) -> None:
    import_paths(store, [log])
    moved = log.rename(log.with_name("performance-20260310.jsonl"))
    assert totals(import_paths(store, [moved])) == (0, 40, 0)
    rewritten = [ROUTES[0], *sample_routes(3, 9, END), *ROUTES[1:]]
    moved.write_bytes(lines(*rewritten))
    assert totals(import_paths(store, [moved])) == (3, 40, 0)
    moved.write_bytes(lines(*ROUTES[:10]))
    assert totals(import_paths(store, [moved])) == (0, 10, 0)


def test_a_half_written_last_line_waits(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = lines(event(1), event(2))
    path.write_bytes(whole[:-20])
    report = import_paths(store, [path])
    assert totals(report) == (1, 0, 0)
    assert report.files[0].unfinished
    path.write_bytes(whole)
    report = import_paths(store, [path])
    assert totals(report) == (1, 1, 0)
    assert not report.files[0].unfinished
    assert count(store.database, "rejects") == 0


def test_a_last_line_without_its_end_is_taken_when_it_is_whole(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(event(1)).rstrip(b"\n"))
    assert totals(import_paths(store, [path])) == (1, 0, 0)
    path.write_bytes(lines(event(1), event(2)).rstrip(b"\n"))
    assert totals(import_paths(store, [path])) == (1, 1, 0)
    path.write_bytes(lines(event(1), event(2)))
    assert totals(import_paths(store, [path])) == (0, 2, 0)


def test_refused_lines_are_quarantined_with_their_place_and_reason(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    good = lines(event(1))
    bad = [
        b"not json\n", b'{"kind": "run", "agent": "\xff"}\n', b'{"kind": "run", "id": "x", "agent": 5, "at": 1}\n',
        lines(event(3, at=END + 10**10)), lines(event(4, surprise=1)), b'{"kind": "run", "agent": "kimi"}\n',
        b'["kind"]\n',
    ]  # fmt: skip
    path.write_bytes(good + b"".join(bad))
    assert totals(import_paths(store, [path])) == (1, 0, 7)
    rows = store.database.read("SELECT line, byte_offset, reason, digest, text FROM rejects ORDER BY line")
    offsets = [len(good) + sum(map(len, bad[:n])) for n in range(len(bad))]
    assert [(line, offset) for line, offset, *_ in rows] == list(zip(range(2, 9), offsets, strict=True))
    assert [row[3] for row in rows] == [digest(raw.rstrip(b"\n")) for raw in bad]
    assert {row[4] for row in rows} == {None}
    for words, row in zip(
        ("JSON", "UTF-8", "agent", "future", "surprise", "needs a time or an id", "kind"), rows, strict=True
    ):
        assert words in row[2]
    assert totals(import_paths(store, [path])) == (0, 1, 7)
    assert totals(import_paths(store, [path], again=True)) == (0, 1, 7)
    assert count(store.database, "rejects") == 7


def test_text_of_refused_lines_is_kept_on_opt_in_and_cleaned(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(event(1)) + b"\x1b[31mboom\xff\n")
    import_paths(store, [path], keep_content=True)
    ((text,),) = store.database.read("SELECT text FROM rejects")
    assert text == "boom\ufffd"


def test_ten_megabytes_in_one_string(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(event(1), event(2, notes="x" * 10_000_000), event(3, agent="y" * 10_000_000)))
    assert totals(import_paths(store, [path])) == (2, 0, 1)
    ((notes,),) = store.database.read("SELECT notes FROM runs WHERE id = 'run-2'")
    assert len(notes) == 4_000


def test_folders_are_searched_and_formats_told_by_content(store: Store, tmp_path: Path) -> None:
    deep = tmp_path / "a" / ".federation" / "state"
    deep.mkdir(parents=True)
    (tmp_path / "a" / "log.txt").write_bytes(lines(*ROUTES[:3]))
    (deep / "anything").write_bytes(lines(event(1)))
    (deep / "m.json").write_text(
        json.dumps({"initialized": "2026-02-05T10:00:00Z", "agents": {"kimi": {"successful_tasks": 2}}}, indent=1)
    )
    (tmp_path / "a" / "run.jsonl").write_bytes(lines(INIT))
    (tmp_path / "a" / "README.md").write_text("# read me")
    (tmp_path / "a" / "picture.png").write_bytes(b"\x89PNG" + bytes(100))
    (tmp_path / "a" / "empty").write_bytes(b"")
    (tmp_path / "a" / "other.json").write_text('{"name": "package"}')
    report = import_paths(store, [tmp_path / "a"])
    assert totals(report) == (3 + 1 + 2, 0, 0)
    assert {(Path(f.path).name, f.format) for f in report.files} == {
        ("log.txt", "routing-log"), ("anything", "events"), ("m.json", "metrics.json"), ("run.jsonl", "stream-json"),
    }  # fmt: skip
    assert report.skipped == 4
    assert ["import its transcript" in f.note for f in report.files if f.format == "stream-json"] == [True]
    assert count(store.database, "rejects") == 0


def test_detect(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data, expected in [
        (lines(ROUTES[0]), "routing-log"),
        (b"broken\n" + lines(ROUTES[0]), None),
        (b'{"broken\n' + lines(ROUTES[0]), "routing-log"),
        (lines({"kind": "verdict"}), "events"),
        (lines({"kind": "holiday"}), None),
        (lines({"type": "summary", "summary": "s", "leafUuid": "u"}), "claude-code"),
        (lines({"type": "user", "sessionId": "s"}), "claude-code"),
        (lines({"timestamp": "t", "type": "session_meta", "payload": {}}), "codex"),
        (b'{"initialized": "2026-01-01", "agents": {}}', "metrics.json"),
        (b'{"agents": {"kimi": {"total_tasks": 0}}}', "metrics.json"),
        (b'{"agents": {"kimi": {"routing_boost": 0.05}}}', "metrics.json"),
        (b'{"agents": {"kimi": {}}}', None),
        (b'{"model": "m", "agents": {"reviewer": {"description": "reviews", "prompt": "p", "tools": ["Read"]}}}', None),
        (b'{"agents": {"main": {"type": "main"}}, "custom": 1, "last_updated": "2026-01-01"}', None),
        (lines({"type": ["user"], "sessionId": "s"}, ROUTES[0]), "routing-log"),
        (lines({"kind": {}, "type": {}}), None),
        (lines({"type": "system", "subtype": "init", "session_id": "s", "uuid": "u", "tools": []}), "stream-json"),
        (lines({"type": "user", "sessionId": "s", "uuid": "u", "message": {"role": "user", "parts": []}}), "qwen-code"),
        (b'{"type": "assis' + lines({"type": "user", "sessionId": "s"}), "claude-code"),
        (b'{"agents": ["kimi"]}', None),
        (b"", None),
        (b"   \n\n", None),
        (b"{" * 5_000, None),
    ]:
        path.write_bytes(data)
        assert detect(path) == expected, data[:40]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "system", "subtype": "init", "session_id": "s", "uuid": "u", "tools": []}, "stream-json"),
        ({"type": "user", "sessionId": "s", "uuid": "u", "message": {"role": "user", "parts": []}}, "Qwen Code"),
    ],
)
def test_a_format_that_is_known_and_not_read_is_said_once(
    store: Store, tmp_path: Path, value: dict[str, Any], words: str
) -> None:
    (tmp_path / "many.jsonl").write_bytes(lines(*[value] * 100))
    report = import_paths(store, [tmp_path])
    assert (totals(report), count(store.database, "rejects")) == ((0, 0, 0), 0)
    (file,) = report.files
    assert words in file.note


def test_a_wide_first_line_is_still_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(lines({**ROUTES[0], "task_description": "x" * 2_000_000}))
    assert detect(path) == "routing-log"


def test_paths_that_cannot_be_imported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no file or folder"):
        import_paths(store, [tmp_path / "missing"])
    report = import_paths(store, [tmp_path / "fedtop.db"])
    assert [(f.format, f.note) for f in report.files] == [("", "not of a known format")]


def test_progress_ends_at_the_total(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "BATCH", 10)
    other = log.with_name("b.jsonl")
    other.write_bytes(lines(event(1)))
    seen: list[tuple[int, int]] = []
    import_paths(store, [log.parent], progress=lambda done, total: seen.append((done, total)))
    size = log.stat().st_size + other.stat().st_size
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {size}
    assert len(seen) > 5


def test_a_crash_between_facts_and_watermark_loses_and_doubles_nothing(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "BATCH", 10)
    saved = tail_module.save_mark
    calls = []

    def dying(*args: Any, **named: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise StoreError("power cut")
        saved(*args, **named)

    monkeypatch.setattr(tail_module, "save_mark", dying)
    with pytest.raises(StoreError, match="power cut"):
        import_paths(store, [log])
    assert count(store.database, "routes") == 30
    monkeypatch.setattr(tail_module, "save_mark", saved)
    assert totals(import_paths(store, [log])) == (10, 30, 0)
    at_once = Database(log.with_name("once.db"))
    import_paths(at_once, [log], clock=store.clock)
    assert contents(store.database) == contents(at_once)
    at_once.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 10**6), max_size=6), st.integers(1, 50), st.booleans())
def test_any_split_into_increments_gives_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], batch: int, twice: bool
) -> None:
    folder = tmp_path_factory.mktemp("split")
    data = lines(*ROUTES[:12], {"event_id": "bad"}) + b"nonsense\n\n" + lines(*ROUTES[8:20], ROUTES[3])
    path = folder / "log.jsonl"
    pieces, whole = Database(folder / "a.db"), Database(folder / "b.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail_module, "BATCH", batch)
        for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
            path.write_bytes(data[:cut])
            for _ in range(1 + twice):
                import_paths(pieces, [path], clock=lambda: END)
    report = import_paths(whole, [path], clock=lambda: END)
    assert totals(report) == (20, 5, 2)
    assert contents(pieces) == contents(whole)
    columns = "head_digest, due_ms, byte_offset, body_digest, lines, facts, rejected, state"
    assert pieces.read(f"SELECT {columns} FROM import_marks") == whole.read(f"SELECT {columns} FROM import_marks")
    pieces.close()
    whole.close()


def test_follow_takes_what_is_appended_and_new_files(store: Store, clock: Clock, log: Path) -> None:
    second = log.with_name("late.jsonl")
    steps = iter(
        [
            lambda: log.write_bytes(log.read_bytes() + lines(*sample_routes(2, 8, END))[:-30]),
            lambda: log.write_bytes(lines(*ROUTES, *sample_routes(2, 8, END))),
            lambda: second.write_bytes(lines(event(1))),
            lambda: None,
            lambda: log.write_bytes(lines(*sample_routes(3, 11, END))),
            lambda: second.unlink(),
        ]
    )
    left = [6]

    def sleep(_seconds: float) -> None:
        left[0] -= 1
        next(steps)()
        clock.advance(1_000)

    rounds: list[tuple[int, int, int]] = []
    report = import_paths(
        store, [log.parent], follow=True, sleep=sleep, stop=lambda: left[0] == 0,
        on_round=lambda news: rounds.append(totals(news)),
    )  # fmt: skip
    assert rounds == [(40, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0), (3, 0, 0)]
    assert report.taken == 46
    assert len(report.files) == len({file.path for file in report.files}) == 2
    assert count(store.database, "routes") == 45


def follow(store: Store, file: Path, *contents_of_file: bytes) -> list[tuple[int, int, int]]:
    """What each look at a file gave that had these contents in turn."""
    left = list(contents_of_file)
    file.write_bytes(left.pop(0))
    rounds: list[tuple[int, int, int]] = []

    def write(_seconds: float) -> None:
        file.write_bytes(left.pop(0))

    def note(news: ImportReport) -> None:
        rounds.append(totals(news))

    import_paths(store, [file], follow=True, sleep=write, stop=lambda: not left, on_round=note)
    return rounds


def test_a_followed_file_may_be_replaced_by_one_of_another_format(store: Store, tmp_path: Path) -> None:
    log, events = lines(*ROUTES[:3]), lines(event(1), event(2))
    assert follow(store, tmp_path / "a.jsonl", log, events, events + lines(event(3)), b"", log + lines(ROUTES[3])) == [
        (3, 0, 0), (2, 0, 0), (1, 0, 0), (1, 3, 0),
    ]  # fmt: skip
    assert (count(store.database, "routes"), count(store.database, "runs")) == (4, 3)
    document = json.dumps(
        {"initialized": "2026-01-01", "last_updated": "2026-01-02", "agents": {"kimi": {"successful_tasks": 2}}}
    ).encode()
    more = document.replace(b"2}", b"3}")
    assert follow(store, tmp_path / "metrics.json", document, lines(event(4)), more) == [
        (2, 0, 0),
        (1, 0, 0),
        (1, 2, 0),
    ]


def test_a_document_that_is_being_written_waits(store: Store, tmp_path: Path) -> None:
    document = json.dumps(
        {"initialized": "2026-01-01", "last_updated": "2026-01-02", "agents": {"kimi": {"successful_tasks": 2}}}
    ).encode()
    more = document.replace(b"2}", b"3}")
    assert follow(store, tmp_path / "metrics.json", document, more[:40], b"", more) == [(2, 0, 0), (1, 2, 0)]
    assert count(store.database, "rejects") == 0


def test_a_folder_that_cannot_be_read_is_told(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = log.parent / "closed"
    closed.mkdir()
    scan = os.scandir

    def scandir(path: Any) -> Any:
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = import_paths(store, [log.parent])
    assert report.taken == 40
    assert [file.note for file in report.files if file.path == str(closed)] == ["cannot be read: Permission denied"]


def test_a_read_only_store_is_refused(store: Store, log: Path) -> None:
    with Store(store.path, readonly=True) as readonly, pytest.raises(StoreError, match="read-only"):
        import_paths(readonly, [log])


def test_own_events_of_every_kind_and_ids_from_what_they_say(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        lines(
            {"kind": "run", "agent": "kimi", "at": END, "success": True},
            {"kind": "run", "agent": "kimi", "at": END, "success": True},
            {"kind": "run", "agent": "kimi", "at": END, "success": False},
            {"kind": "usage", "agent": "kimi", "model": "gpt-5", "input_tokens": 10, "at": "2026-03-10T10:00:00Z"},
            {"kind": "execution", "agent": "kimi", "tool": "bash", "at": END},
            {"kind": "route", "agent": "kimi", "layer": "keyword", "at": END, "id": "r1"},
            {"kind": "verdict", "subject": "route", "subject_id": "r1", "correct": True, "at": END + 5},
            {"kind": "run_state", "id": "now", "agent": "kimi", "at": END},
            {"kind": "job", "id": "j", "state": "queued", "at": END},
        )
    )
    assert totals(import_paths(store, [path])) == (8, 1, 0)
    before = contents(store.database)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(b"\n" + path.read_bytes())
    assert import_paths(store, [copy]).taken == 0
    assert contents(store.database) == before
    assert [count(store.database, table) for table in ("runs", "llm_calls", "tool_calls", "verdicts")] == [2, 1, 1, 1]


def test_names_that_are_not_text(store: Store, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/log-\xff\x1b[31m.jsonl"))
    path.write_bytes(lines(event(1)) + b"broken\n")
    report = import_paths(store, [tmp_path])
    assert totals(report) == (1, 0, 1)
    ((source,),) = store.database.read("SELECT source FROM rejects")
    assert source.endswith("log-\ufffd.jsonl")
    assert report.files[0].path == source


def test_two_imports_at_once_count_once(store: Store, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "BATCH", 5)
    reports: list[ImportReport] = []
    threads = [threading.Thread(target=lambda: reports.append(import_paths(store, [log]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.taken for report in reports) == 40
    assert count(store.database, "routes") == 40
    once = Database(log.with_name("once.db"))
    import_paths(once, [log], clock=store.clock)
    assert contents(store.database) == contents(once)
    once.close()


# --- what is opened, and what is known without -----------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths of files that this process opens, by whatever means."""
    found: list[str] = []
    _WATCHED.append(found)
    yield found
    _WATCHED.remove(found)


_WATCHED: list[list[str]] = []


def _note_open(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "open" and _WATCHED and isinstance(arguments[0], (str, bytes, os.PathLike)):
        for found in _WATCHED:
            found.append(os.fsdecode(arguments[0]))


sys.addaudithook(_note_open)


def mixed(root: Path) -> Path:
    """A folder with a file of every sort: read, half-written, refused lines, not known, compressed, a document."""
    root.mkdir()
    (root / "log.jsonl").write_bytes(lines(*ROUTES[:3]) + b"nonsense\n")
    (root / "half.jsonl").write_bytes(lines(event(1)) + b'{"kind": "ru')
    (root / "letter.txt").write_text("Dear reader")
    (root / "run.jsonl").write_bytes(lines(INIT))
    (root / "metrics.json").write_text(
        json.dumps({"initialized": "2026-01-01", "last_updated": "2026-01-02",
                    "agents": {"kimi": {"successful_tasks": 2, "routing_boost": 0.05}}})
    )  # fmt: skip
    return root


def test_what_is_as_its_mark_says_is_not_opened(store: Store, tmp_path: Path, opened: list[str]) -> None:
    root = mixed(tmp_path / "root")
    first = import_paths(store, [root])
    assert totals(first) == (3 + 1 + 2, 0, 1)
    opened.clear()
    again = import_paths(store, [root])
    assert [path for path in opened if path.startswith(str(root))] == []
    assert totals(again) == (0, 6, 1)
    assert again.skipped == first.skipped == 1
    assert again.boosts == first.boosts == {"kimi": {"": 0.05}}
    assert {(f.path, f.unfinished, f.note) for f in again.files} == {
        (f.path, f.unfinished, f.note) for f in first.files
    }
    with (root / "log.jsonl").open("ab") as file:
        file.write(lines(ROUTES[3]))
    os.utime(root / "letter.txt")
    opened.clear()
    assert totals(import_paths(store, [root])) == (1, 6, 1)
    assert {Path(path).name for path in opened if path.startswith(str(root))} == {"log.jsonl", "letter.txt"}


def test_a_file_that_is_of_no_known_format_is_looked_at_again_by_who_knows_more(
    store: Store, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = mixed(tmp_path / "root")
    import_paths(store, [root])
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS, "routing_log"))
    opened.clear()
    assert import_paths(store, [root]).skipped == 1
    assert {Path(path).name for path in opened if path.startswith(str(root))} == {"letter.txt", "run.jsonl"}


def test_time_alone_is_enough_to_end_what_was_held_back(
    store: Store, tmp_path: Path, clock: Clock, opened: list[str]
) -> None:
    """And the file is not opened for it."""
    s = Session()
    s.prompt()
    s.reply("m1")
    path = tmp_path / "s1.jsonl"
    path.write_bytes(lines(*s.entries))
    clock.now_ms = s.at
    assert import_paths(store, [path]).taken == 0
    clock.now_ms = s.at + 60_001
    opened.clear()
    assert import_paths(store, [path]).taken == 1
    clock.now_ms = s.at + 60_002
    assert totals(import_paths(store, [path])) == (0, 1, 0)
    clock.now_ms = s.at + 700_000
    assert totals(import_paths(store, [path])) == (1, 1, 0)
    assert opened == []


def test_copies_that_begin_alike_keep_their_marks(store: Store, tmp_path: Path, opened: list[str]) -> None:
    """The same session at several times, and files that only share their first line."""
    for number in range(1, 4):
        (tmp_path / f"{number}.jsonl").write_bytes(lines(*ROUTES[: 10 * number]))
        (tmp_path / f"other-{number}.jsonl").write_bytes(lines(ROUTES[0], *ROUTES[-number:]))
    root = [tmp_path / f"{name}{number}.jsonl" for name in ("", "other-") for number in range(1, 4)]
    assert import_paths(store, root).taken == 30 + 3
    opened.clear()
    assert import_paths(store, root).taken == 0
    assert opened == []


def test_a_copy_of_what_was_read_is_read_on_from_there(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_paths(store, [log])
    parsed = []
    original = tail_module.parse_line
    monkeypatch.setattr(tail_module, "parse_line", lambda raw: parsed.append(raw) or original(raw))
    copy = log.with_name("copy.jsonl")
    copy.write_bytes(log.read_bytes() + lines(*sample_routes(5, 8, END)))
    assert totals(import_paths(store, [copy])) == (5, 40, 0)
    assert len(parsed) == 5


def test_a_file_whose_touch_is_all_that_changed_is_opened_once(store: Store, log: Path, opened: list[str]) -> None:
    import_paths(store, [log])
    os.utime(log, (1, 1))
    for expected in (1, 0):
        opened.clear()
        assert totals(import_paths(store, [log])) == (0, 40, 0)
        assert (opened.count(str(log)) > 0) is bool(expected)


def test_linked_folders_are_read_once(store: Store, tmp_path: Path) -> None:
    root, real = tmp_path / "root", tmp_path / "real"
    root.mkdir()
    real.mkdir()
    (real / "log.jsonl").write_bytes(lines(*ROUTES[:3]))
    for name in ("one", "two"):
        (root / name).symlink_to(real, target_is_directory=True)
    (real / "loop").symlink_to(root, target_is_directory=True)
    report = import_paths(store, [root])
    assert totals(report) == (3, 0, 0)
    assert [Path(file.path).relative_to(root) for file in report.files] == [Path("one/log.jsonl")]


# --- files that are renamed while they are followed ------------------------------------------------------------------


def followed(store: Store, roots: list[Path], *steps: Callable[[], object]) -> list[int]:
    """How many facts each look took, the first before any step."""
    left, taken = list(steps), []

    def sleep(_seconds: float) -> None:
        left.pop(0)()

    import_paths(
        store, roots, follow=True, sleep=sleep, stop=lambda: not left, on_round=lambda news: taken.append(news.taken)
    )
    return taken


def append(path: Path, *values: Any) -> None:
    with path.open("ab") as file:
        file.write(lines(*values))


@pytest.mark.parametrize("archive", ["inside", "outside"])
@pytest.mark.parametrize("new", [True, False])
def test_lines_written_before_a_rename_are_read(store: Store, tmp_path: Path, archive: str, new: bool) -> None:
    """As log rotation does it: five more lines, a rename, a new file or none; the archive may be followed too."""
    root = tmp_path / "root"
    root.mkdir()
    log = root / "performance.jsonl"
    log.write_bytes(lines(ROUTES[0]))
    target = (root if archive == "inside" else tmp_path) / "archive" / "performance-1.jsonl"
    target.parent.mkdir()

    def rotate() -> None:
        append(log, *ROUTES[1:6])
        log.rename(target)
        if new:
            log.write_bytes(b"")

    def go_on() -> None:
        append(log, ROUTES[6])

    followed(store, [root if archive == "inside" else log], rotate, go_on, lambda: None, lambda: None, lambda: None)
    assert count(store.database, "routes") == 7
    assert count(store.database, "rejects") == 0


def test_a_half_written_line_is_finished_in_the_renamed_file(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "performance.jsonl"
    whole = lines(*ROUTES[:2])
    log.write_bytes(whole[:-10])

    def rotate() -> None:
        with log.open("ab") as file:
            log.rename(tmp_path / "performance-1.jsonl")
            log.write_bytes(lines(ROUTES[2]))
            file.write(whole[-10:])

    assert followed(store, [log], rotate) == [1, 2]


def test_a_log_that_is_cut_is_read_from_its_top(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "performance.jsonl"
    log.write_bytes(lines(*ROUTES[:5]))
    assert followed(
        store, [log], lambda: log.write_bytes(lines(*ROUTES[5:7])), lambda: append(log, *ROUTES[7:9]),
        log.unlink, lambda: log.write_bytes(lines(ROUTES[9])),
    ) == [5, 2, 2, 1]  # fmt: skip


def test_few_files_stay_open(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer_module, "_OPEN_FILES", 4)
    files = [tmp_path / f"{n}.jsonl" for n in range(20)]
    for n, path in enumerate(files):
        path.write_bytes(lines(event(n)))
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc to count open files")
    held = []

    def look() -> None:
        held.append(sum(str(tmp_path) in os.path.realpath(one) and ".jsonl" in os.path.realpath(one)
                        for one in descriptors.iterdir()))  # fmt: skip

    steps = look, lambda: append(files[0], event(90)), lambda: append(files[19], event(91))
    assert followed(store, [tmp_path], *steps) == [20, 1, 1]
    assert held == [4]


def test_marks_of_older_stores_are_believed(tmp_path: Path, log: Path, clock: Clock) -> None:
    """They know a file by its first line, and what was read of it by another digest."""
    import hashlib

    path = tmp_path / "older.db"
    write_older_store(path, "0007_import_marks")
    data = log.read_bytes()
    cut = len(b"".join(data.splitlines(keepends=True)[:30]))
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "INSERT INTO imports VALUES (?, 'elsewhere', 'routing-log', ?, ?, 30, 30, 0, '{}', 0)",
            (digest(data.splitlines()[0]), cut, hashlib.blake2b(data[:cut], digest_size=16).hexdigest()),
        )
    with Store(path, clock=clock) as store:
        assert totals(import_paths(store, [log])) == (10, 30, 0)
        assert totals(import_paths(store, [log])) == (0, 40, 0)

"""Import, sample and export: in and out again, twice is once, and nothing half-written."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fedstore import Store, StoreError
from tests.cli.conftest import Run, refused
from tests.conftest import Clock
from tests.federation import NOW_MS, federation_events


@pytest.fixture
def log(run: Run, tmp_path: Path) -> Path:
    """A routing log of 40 decisions."""
    file = tmp_path / "log" / "performance.jsonl"
    file.parent.mkdir()
    assert run("sample", "-n", 40, "--seed", 7, "-o", file).stdout == f"40 decisions in {file}\n"
    return file


def test_sample_is_the_same_for_the_same_seed(run: Run, log: Path) -> None:
    again = run("sample", "-n", 40, "--seed", 7).stdout
    assert again == log.read_text()
    assert run("sample", "-n", 40, "--seed", 8).stdout != again
    assert len({json.loads(line)["event_id"] for line in again.splitlines()}) == 40


def test_sample_is_the_same_a_little_later_and_all_of_today(run: Run, log: Path, clock: Clock, ask: Any) -> None:
    clock.advance(25 * 60_000)  # 12:59
    assert run("sample", "-n", 40, "--seed", 7).stdout == log.read_text()
    run("import", log)
    assert ask("layers", "-w", "24h")["routes"] == 40


def test_sample_into_the_store(run: Run, ask: Callable[..., Any], path: Path) -> None:
    assert run("sample", "-n", 60, "--seed", 7, "--store", path).stdout == "60 taken, 0 already there\n"
    assert run("sample", "-n", 60, "--seed", 7, "--record").stdout == "0 taken, 60 already there\n"
    assert ask("layers", "-w", "all")["routes"] == 60
    assert "exclude each other" in refused(run("sample", "--record", "-o", path))


def test_import_reports_and_twice_is_once(run: Run, ask: Callable[..., Any], log: Path) -> None:
    first = ask("import", log.parent)
    assert (first["taken"], first["known"], first["rejected"]) == (40, 0, 0)
    second = run("import", log)
    assert second.exit_code == 0
    assert second.stdout.splitlines()[-1].startswith("1 file: 0 taken, ")
    assert ask("layers", "-w", "all")["routes"] == 40


def test_import_again_reads_from_the_top(ask: Callable[..., Any], log: Path) -> None:
    ask("import", log)
    found = ask("import", "--again", log)
    assert (found["taken"], found["known"]) == (0, 40)


def test_import_keeps_bad_lines_aside(run: Run, ask: Callable[..., Any], log: Path) -> None:
    with log.open("a") as file:
        file.write('{"event_id": "x"}\nnonsense\n')
    result = run("import", log)
    assert result.exit_code == 0
    assert "40 taken, 0 already there, 2 rejected" in result.stdout
    assert "    line 41: timestamp: field required\n    line 42: not valid JSON" in result.stdout
    assert ask("dashboard")["overview"]["rejected"] == 2


def test_import_of_nothing_readable_fails(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"event_id": "x", "routing_layers": 3}\n' * 2)
    assert "every line was rejected" in run("import", bad).stderr
    assert run("import", bad).exit_code == 2
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    result = run("import", letter)
    assert result.exit_code == 2
    assert "not of a known format" in result.stdout
    (tmp_path / "empty").mkdir()
    folder = run("import", tmp_path / "empty")
    assert folder.exit_code == 2
    assert "fedtop events" in folder.stderr
    packed = tmp_path / "performance.jsonl.gz"
    packed.write_bytes(b"\x1f\x8b\x08\x00....")
    assert "gunzip" in run("import", packed).stdout


def test_import_tells_only_some_of_many_reasons(run: Run, ask: Callable[..., Any], log: Path) -> None:
    with log.open("a") as file:
        file.write("".join(f"nonsense {n}\n" for n in range(30)))
    said = run("import", log).stdout.splitlines()
    assert [line for line in said if line.startswith("    line")][-1].startswith("    line 43:")
    assert "    and 27 more, in the table `rejects` of the store" in said
    found = ask("import", "--again", log)["files"][0]
    assert (found["rejected"], len(found["reasons"]), found["reasons"][0][0]) == (30, 20, 41)


def test_import_that_is_interrupted_says_what_stands(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fedstore.recording.writer import FactWriter

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FactWriter, "write", interrupt)
        result = run("import", log)
    assert result.exit_code == 130
    assert result.stderr.startswith("fedtop: interrupted: what was taken is kept")
    assert "40 taken" in run("import", log).stdout


def test_import_that_finds_no_room_says_what_stands(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fedstore.recording.writer import FactWriter

    def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(FactWriter, "write", full)
        assert refused(run("import", log)).startswith("the disk is full; what was taken is kept, and importing again")
    assert "40 taken" in run("import", log).stdout


def test_import_of_what_is_not_there(run: Run, tmp_path: Path) -> None:
    assert "there is no file or folder" in refused(run("import", tmp_path / "moon"))
    assert "import --help" in refused(run("import"))


def test_import_follows_until_interrupted(run: Run, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = run("sample", "-n", 41, "--seed", 9).stdout.splitlines()[-1]
    naps = 0

    def nap(_seconds: float) -> None:
        nonlocal naps
        naps += 1
        if naps > 1:
            raise KeyboardInterrupt
        with log.open("a") as file:
            file.write(line + "\n")

    monkeypatch.setattr("time.sleep", nap)
    monkeypatch.setattr("fedstore.ingest.importer.import_paths.__kwdefaults__", _with(nap))
    result = run("import", "--follow", log)
    assert result.exit_code == 0, result.output
    assert "40 taken" in result.stdout
    assert "1 taken" in result.stdout.splitlines()[-1]


def _with(nap: Callable[[float], None]) -> dict[str, Any]:
    from fedstore.ingest.importer import import_paths

    return {**(import_paths.__kwdefaults__ or {}), "sleep": nap}


# --- export ----------------------------------------------------------------------------------------------------------


def test_routing_log_goes_out_as_it_came_in(run: Run, log: Path) -> None:
    run("import", "--content", log)
    out = run("export", "routing", "-w", "all").stdout
    came = {e["event_id"]: e for e in map(json.loads, log.read_text().splitlines())}
    gone = {e["event_id"]: e for e in map(json.loads, out.splitlines())}
    assert came.keys() == gone.keys()
    for event_id, event in came.items():
        assert gone[event_id]["final_decision"] == event["final_decision"]
        assert len(gone[event_id]["routing_layers"]) == len(event["routing_layers"])


def test_json_export_has_every_view(run: Run, seeded_store: Store, tmp_path: Path) -> None:
    target = tmp_path / "all.json"
    assert run("export", "-o", target).stdout == f"Exported to {target}\n"
    found = json.loads(target.read_text())
    assert found["exported_ms"] == NOW_MS
    assert {"overview", "agents", "cascade", "costs", "tools"} <= found.keys()


def test_metrics_exports_are_named_by_their_time_and_never_replaced(
    run: Run, seeded_store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / ".federation" / "exports"
    for _ in range(2):
        assert run("export", "metrics", "-o", folder).exit_code == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["metrics-20260310-123456-2.json", "metrics-20260310-123456.json"]
    assert json.loads((folder / names[0]).read_text())["version"] == "1.0"
    run("export", "metrics", "-o", tmp_path / "metrics.json")
    assert (tmp_path / "metrics.json").is_file()
    assert "cannot be made" in refused(run("export", "metrics", "-o", tmp_path / "metrics.json" / "sub"))


@pytest.mark.parametrize("table", ["agents", "task-types", "layers", "costs", "tools", "runs"])
def test_csv_has_a_row_per_name(run: Run, seeded_store: Store, table: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("export", "csv", "--table", table, "-w", "all").stdout)))
    events = federation_events()
    runs = [e for e in events if e["kind"] == "run"]
    expected = {
        "agents": len({e["agent"] for e in runs}),
        "task-types": len({(e["agent"], e["task_type"]) for e in runs}),
        "layers": 4,
        "costs": len({e["model"] for e in events if e["kind"] == "usage"}),
        "tools": len({e["tool"] for e in events if e["kind"] == "execution"}),
        "runs": len(runs),
    }
    assert len(rows) == expected[table]


@pytest.mark.parametrize("table", ["agents", "task-types", "layers", "costs", "tools", "runs"])
def test_csv_has_the_same_columns_whatever_there_is(run: Run, seeded_store: Store, table: str) -> None:
    """Also where nothing happened, and where an optional part is known of nobody."""
    heads = {
        run("export", "csv", "--table", table, *window).stdout.splitlines()[0]
        for window in (("-w", "all"), ("-w", "24h"), ("-w", "24h", "--at", "2020-01-01"))
    }
    assert len(heads) == 1
    (head,) = heads
    assert len(head.split(",")) >= 8


@pytest.mark.parametrize("form", [["csv"], ["csv", "--table", "tools"], ["json"], ["routing"]], ids=" ".join)
def test_an_export_of_nothing_says_where_the_facts_are(run: Run, seeded_store: Store, form: list[str]) -> None:
    for at, where in (("2025-03-10", "after"), ("2027-03-10", "before")):
        result = run("export", *form, "--at", at)
        assert result.exit_code == 0
        assert f"12:34, {where} this window: add --at newest" in result.stderr
    assert run("export", *form, "--at", "newest").stderr == ""
    assert run("export", "metrics", "--at", "2025-03-10").stderr == "", "of all time"


def test_csv_has_no_formula(run: Run, store: Store) -> None:
    store.writer().write([{"kind": "run", "agent": "=1+1", "success": True, "at": NOW_MS}])
    (row,) = csv.DictReader(io.StringIO(run("export", "csv").stdout))
    assert row["agent"] == "'=1+1"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("command", [("export", "csv"), ("export", "metrics"), ("sample", "-n", "3")])
def test_what_is_written_to_a_pipe_does_not_take_its_place(
    run: Run, seeded_store: Store, tmp_path: Path, command: tuple[str, ...]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(*command, "-o", pipe).exit_code == 0
        assert os.read(reader, 100)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_sample_that_finds_no_room_leaves_the_file_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    log = tmp_path / "performance.jsonl"
    log.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    assert "free some space" in refused(run("sample", "-n", "3", "-o", log))
    assert log.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if "performance" in path.name] == [log.name]


def test_export_that_cannot_be_written_is_one_line(run: Run, seeded_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "moon"
    assert "cannot be written" in refused(run("export", "-o", folder / "x.json"))
    assert not folder.exists()


@pytest.mark.parametrize("text", [
    '{"routing_layers": [{"layer_name": "keyword", "confidence_threshold": 0.85}]}',
    '{\n  "layers": {\n    "keyword": {"threshold": 0.85}\n  }\n}',
])  # fmt: skip
def test_a_routers_configuration_is_named_with_the_command_for_it(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    told = run("import", file)
    assert told.exit_code == 2
    assert "a router's configuration" in told.stdout
    assert "`fedtop policy import`" in told.stdout
    assert "0 rejected" in told.stdout
    assert run("policy", "import", file).exit_code == 0


def test_an_export_of_views_read_back_is_named_as_what_it_is(run: Run, federation: Store, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    assert run("export", "json", "-o", file).exit_code == 0
    told = run("import", file)
    assert "the views that `fedtop export json` wrote" in told.stdout
    assert "0 rejected" in told.stdout

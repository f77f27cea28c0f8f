"""A kind of fact that the store does not know: one file, its line in KINDS and a migration, and everything follows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fedstore import Store
from fedstore.schema import MIGRATION_NAMES
from tests.source_imports import ROOT

KIND = '''
"""Handoffs: one agent passes its work on to another."""

from __future__ import annotations

from fedstore.facts.kind import BIT, Kind, Sums, micros
from fedstore.facts.summary import Summary, duration_part
from fedstore.facts.table import Table
from fedstore.ids import new_id

_HANDOFFS = Table(
    "handoffs", "id", "agent", "receiver", "at_ms", "duration_us?", "accepted?", "source", "recorded_ms"
)
_PASSED_ON = Summary(
    "handoff_buckets",
    keys=("agent", "receiver"),
    sums=("handoffs", "accepted", "duration_n", "duration_us"),
    bins=("duration_bins",),
    topics={"handoff": "agent"},
)
_SUMS = Sums(_PASSED_ON, "handoffs", "at_ms", {
    "handoffs": "COUNT(*)", "accepted": "SUM(accepted)", "duration_n": "COUNT(duration_us)",
    "duration_us": "SUM(duration_us)",
})


def _face():
    from typing import Literal

    from fedstore.facts.events import Id, Label, Millis, Name, Said, Time, Truth

    class Handoff(Said):
        """One agent passes its work on to another."""

        kind: Literal["handoff"] = "handoff"
        id: Id = None
        agent: Name
        receiver: Name
        at: Time | None = None
        duration_ms: Millis | None = None
        accepted: Truth | None = None
        source: Label = ""

    return Handoff


def _row(d, at, stamp):
    return (
        d["id"] or stamp.made_id or new_id(at), d["agent"], d["receiver"], at, micros(d["duration_ms"]),
        BIT[d["accepted"]], d["source"] or stamp.source, stamp.recorded_ms,
    )


def _add(deltas, row):
    _, agent, receiver, at, duration, accepted, *_ = row
    deltas.add(_PASSED_ON, at, (agent, receiver), (1, accepted or 0, *duration_part(duration)))


HANDOFF = Kind(
    "handoff", face=_face, table=_HANDOFFS, row=_row, add=_add, summaries=(_PASSED_ON,), sums=(_SUMS,)
)
'''

MIGRATION = '''
STATEMENTS = (
    """
CREATE TABLE handoffs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agent TEXT NOT NULL,
    receiver TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    duration_us INTEGER,
    accepted INTEGER,
    source TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE handoff_buckets (
    width INTEGER NOT NULL,
    start INTEGER NOT NULL,
    agent TEXT NOT NULL,
    receiver TEXT NOT NULL,
    handoffs INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    duration_n INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    duration_bins BLOB NOT NULL,
    PRIMARY KEY (width, start, agent, receiver)
) STRICT, WITHOUT ROWID
""",
    "INSERT INTO past (name, note) VALUES ('handoff_buckets', random())",
)
'''

USE = """
import contextlib, io, json, sys
from pathlib import Path

from fedstore import EVENT_MODELS, Recorder, Settings, Store, diagnose, import_paths, purge
from fedstore.bins import read_bins
from fedtop.cli.main import cli

HOUR, DAY = 3_600_000, 86_400_000
path, now = Path(sys.argv[1]), 1_773_146_096_789
event = {"kind": "handoff", "agent": "kimi", "receiver": "codex", "at": now, "duration_ms": 5000, "accepted": True}
hours_ago, nameless = {"id": "c", "accepted": None, "at": now - 2 * HOUR}, {"receiver": "claude"}
lines = [{**event, **more} for more in ({"id": "b"}, hours_ago, nameless)]
file = path.with_suffix(".jsonl")
file.write_text("".join(f"{json.dumps(line)}\\n" for line in lines))
said = {}


def summaries():
    return [finding.message for finding in diagnose(path) if finding.topic == "summaries"]


with Store(path, clock=lambda: now) as store:
    recorder = store.recorder()
    receipts = [recorder.record(one) for one in ({**event, "id": "a"}, {**event, "id": "a"}, {**event, "recever": "x"})]
    said["receipts"] = [[receipt.taken, receipt.known, receipt.rejected] for receipt in receipts]
    report = import_paths(store, [file])
    said["imported"] = [report.taken, report.known, report.rejected]
    said["again"] = [import_paths(store, [file]).taken, recorder.record_many([*lines, {**event, "id": "d"}]).taken]
    columns = "agent, receiver, SUM(handoffs), SUM(accepted), SUM(duration_us) / 1000"
    said["sums"] = [
        store.database.read(f"SELECT {columns} FROM handoff_buckets WHERE width = {width} GROUP BY 1, 2")
        for width in (60_000, HOUR)
    ]
    reader = store.reader()
    said["newest"] = [reader.newest_ms("handoff", name) for name in ("kimi", "codex")] + [reader.last_recorded_ms()]
    said["sound"] = summaries()
    said["counted"] = [finding.message for finding in diagnose(path) if finding.topic == "facts"]
    with store.database.write() as tx:
        tx.execute("UPDATE handoff_buckets SET accepted = accepted + 1 WHERE receiver = 'claude'")
    said["wrong"] = summaries()
    with store.database.write() as tx:
        tx.execute("UPDATE handoff_buckets SET accepted = accepted - 1 WHERE receiver = 'claude'")
    said["purged"] = purge(store.database, Settings(), now + 31 * DAY, pause=lambda _: None)["handoffs"]
    said["left"] = store.database.read("SELECT COUNT(*) FROM handoffs")[0][0]
    said["sent again"] = recorder.record({**event, "id": "a"}).taken
    said["still sound"] = summaries()
said["models"] = list(EVENT_MODELS)
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    cli(["record", "event", "--help"])
said["help"] = " ".join(out.getvalue().split())
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store's package with one more kind of fact."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "store" / "fedstore", folder / "fedstore", ignore=shutil.ignore_patterns("__pycache__"))
    name = f"{len(MIGRATION_NAMES) + 1:04}_handoffs"
    (folder / "fedstore" / "facts" / "handoff.py").write_text(KIND)
    (folder / "fedstore" / "schema" / f"m{name}.py").write_text(MIGRATION)
    _insert(folder / "fedstore" / "schema" / "__init__.py", f'"{MIGRATION_NAMES[-1]}"', f', "{name}"')
    kinds = folder / "fedstore" / "facts" / "kinds.py"
    _insert(kinds, "KINDS = (\n", "    HANDOFF,\n")
    _insert(kinds, "from fedstore.facts.execution import EXECUTION\n", "from fedstore.facts.handoff import HANDOFF\n")
    return folder


def _insert(path: Path, after: str, text: str) -> None:
    before, found, rest = path.read_text().partition(after)
    assert found
    path.write_text(before + found + text + rest)


def used(package: Path, path: Path) -> dict[str, Any]:
    """What becomes of handoffs in the store at a path."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
    environment = ours | {"PYTHONPATH": os.pathsep.join((str(package), str(ROOT / "tui"))), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", USE, str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("older", [False, True], ids=["a new store", "an older store"])
def test_a_new_kind_is_a_file_a_line_and_a_migration(package: Path, tmp_path: Path, older: bool) -> None:
    path = tmp_path / "s.db"
    if older:
        Store(path).close()
    said = used(package, path)
    assert said["receipts"][:2] == [[1, 0, []], [0, 1, []]]
    assert "recever: unknown field (did you mean receiver?)" in said["receipts"][2][2][0][1]
    assert said["imported"] == [3, 0, 0]
    assert said["again"] == [0, 2]  # the line without an id, which is another fact each time, and the new one
    minutes = [["kimi", "claude", 2, 2, 10_000], ["kimi", "codex", 4, 3, 20_000]]
    hours = [["kimi", "codex", 1, 0, 5_000]]
    assert said["sums"] == [minutes, hours]
    assert said["newest"] == [1_773_146_096_789 // 60_000 * 60_000 + 59_999, None, 1_773_146_096_789]
    assert said["sound"] == ["the summaries agree with the facts"]
    assert ", 6 handoffs" in f", {said['counted'][0]}"
    assert "handoff_buckets: accepted is 6 and should be 5" in said["wrong"][0]
    assert (said["purged"], said["left"], said["sent again"]) == (5, 1, 0)
    assert said["still sound"][0].startswith("the summaries agree with the facts since ")
    assert "handoff" in said["models"]
    assert re.search(r" handoff agent\* receiver\* id at duration_ms accepted source ", f"{said['help']} ")

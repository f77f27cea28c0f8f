"""A format is one file and one line: what follows from them is shown by really adding one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.source_imports import ROOT

FORMAT = '''
from fedstore.errors import EventError
from fedstore.ingest.reader import LineFormat, LineReader


class CraneReader(LineReader):
    """A line per lift of a crane."""

    def __init__(self, state, path):
        self._lifts = state.get("lifts", 0)

    def read(self, value):
        if "minutes" not in value:
            raise EventError("minutes: field required")
        self._lifts += 1
        run = {"kind": "run", "id": value["lift"], "agent": "crane", "duration_ms": value["minutes"] * 60_000}
        return [{**run, "notes": f"lift {self._lifts}"}]

    def state(self):
        return {"lifts": self._lifts}


FORMAT = LineFormat("crane", lambda value: "lift" in value, CraneReader)
'''

USE = """
import json, sys
from pathlib import Path

from fedstore import Store, import_paths

file = Path(sys.argv[1]) / "log.jsonl"
said = []
with Store(Path(sys.argv[1]) / "s.db") as store:
    for more in ('{"lift": "a", "minutes": 2}\\n', '{"lift": "b"}\\n{"lift": "c", "minutes": 1}\\n', ""):
        with file.open("a") as out:
            out.write(more)
        report = import_paths(store, [file])
        said.append([report.files[0].format, report.taken, report.rejected])
    said.append(store.database.read("SELECT id, agent, duration_us / 1000, notes FROM runs ORDER BY seq"))
print(json.dumps(said))
"""


def test_a_new_format_is_a_file_and_a_line(tmp_path: Path) -> None:
    copy = tmp_path / "fedstore"
    shutil.copytree(ROOT / "store" / "fedstore", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "ingest" / "crane.py").write_text(FORMAT)
    table = copy / "ingest" / "formats.py"
    before, begins, after = table.read_text().partition("FORMATS = (")
    assert begins
    table.write_text(f'{before}{begins}"crane", {after}')
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    *reports, runs = json.loads(done.stdout)
    assert reports[:2] == [["crane", 1, 0], ["crane", 1, 1]]
    assert reports[2][:2] == ["crane", 0]
    assert runs == [["a", "crane", 120_000, "lift 1"], ["c", "crane", 60_000, "lift 2"]]

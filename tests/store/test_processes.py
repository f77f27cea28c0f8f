"""Many processes at once: no error, no loss, one migration; and what kill -9 and fork leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedstore import Store
from fedstore.schema import MIGRATION_NAMES

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals of a POSIX system")


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


WRITE = """
import sys
from fedstore import Recorder
recorder = Recorder(sys.argv[1])
for i in range(60):
    recorder.task(f"agent-{sys.argv[2]}", success=i % 3 == 0)
assert recorder.lost == 0 and recorder.refused == 0, (recorder.lost, recorder.refused)
"""


def test_eight_processes_lose_nothing(tmp_path: Path) -> None:
    writers = [start(WRITE, tmp_path / "s.db", n) for n in range(8)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert (writer.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(480,)]
        assert store.database.read("SELECT SUM(runs), SUM(ok) FROM agent_buckets WHERE width = 60000") == [(480, 160)]
        assert store.database.read("SELECT COUNT(*) FROM losses") == [(0,)]


OPEN = """
import sys, threading
from fedstore import Store
start = threading.Barrier(20)
failures = []
def work():
    start.wait()
    try:
        Store(sys.argv[1]).close()
    except Exception as error:
        failures.append(repr(error))
threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failures, failures
"""


def test_160_first_opens_migrate_once(tmp_path: Path) -> None:
    openers = [start(OPEN, tmp_path / "new" / "s.db") for _ in range(8)]
    for opener in openers:
        _, errors = opener.communicate(timeout=120)
        assert (opener.returncode, errors) == (0, "")
    with Store(tmp_path / "new" / "s.db", readonly=True) as store:
        names = store.database.read("SELECT name FROM _sqlite_migrations WHERE migration_set = 'fedstore' ORDER BY id")
        assert tuple(name for (name,) in names) == MIGRATION_NAMES


RECORD_FOREVER = """
import sys
from fedstore import Recorder
recorder = Recorder(sys.argv[1])
while True:
    print(recorder.task("a", success=True), flush=True)
"""


def test_kill_9_loses_nothing_that_returned(tmp_path: Path) -> None:
    process = start(RECORD_FOREVER, tmp_path / "s.db")
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    told += [line for line in rest.splitlines() if len(line) == 32]
    with Store(tmp_path / "s.db") as store:
        kept = {row[0] for row in store.database.read("SELECT id FROM runs")}
        assert set(told) <= kept
        assert store.database.read("SELECT SUM(runs) FROM agent_buckets WHERE width = 60000") == [(len(kept),)]
        assert store.database.read("PRAGMA quick_check") == [("ok",)]


EXIT_WITH_A_QUEUE = """
import sys
from fedstore import Recorder
from fedstore.recording.background import Background
Background.INTERVAL_S = 3600.0
recorder = Recorder(sys.argv[1], background=True)
for _ in range(25):
    recorder.task("a")
"""


def test_interpreter_exit_writes_the_queue(tmp_path: Path) -> None:
    process = start(EXIT_WITH_A_QUEUE, tmp_path / "s.db")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(25,)]


RECORD_WHILE_ENDING = """
import atexit, sys
def last_words():
    recorder.task("late")
    assert recorder.lost == 0, recorder.lost
atexit.register(last_words)  # before the recorder's own, so it runs after them
from fedstore import Recorder
from fedstore.recording.background import Background
Background.INTERVAL_S = 3600.0
recorder = Recorder(sys.argv[1], background=True)
recorder.task("early")
"""


def test_what_is_recorded_while_the_interpreter_ends_is_written(tmp_path: Path) -> None:
    process = start(RECORD_WHILE_ENDING, tmp_path / "s.db")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT agent FROM runs ORDER BY agent") == [("early",), ("late",)]


WORKERS = """
import multiprocessing, sys
from fedstore import Recorder
from fedstore.recording.background import Background
Background.INTERVAL_S = 3600.0
recorder = Recorder(sys.argv[1], background=True)
recorder.task("parent")
def work():
    recorder.task("worker")
workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(2)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"""


def test_a_worker_of_multiprocessing_writes_its_queue_when_it_ends(tmp_path: Path) -> None:
    process = start(WORKERS, tmp_path / "s.db")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        found = dict(store.database.read("SELECT agent, COUNT(*) FROM runs GROUP BY agent"))
        assert found == {"parent": 1, "worker": 2}


FORK_WHILE_BUSY = """
import os, signal, sys
from fedstore import Recorder
recorder = Recorder(sys.argv[1])
recorder._sink._pending = 7
with recorder._sink._guard:  # as another thread may hold it at the moment of the fork
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        recorder.task("child")
        os._exit(recorder.lost)
_, status = os.waitpid(child, 0)
assert status == 0, status
"""


def test_a_fork_while_another_thread_is_recording(tmp_path: Path) -> None:
    process = start(FORK_WHILE_BUSY, tmp_path / "s.db")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT agent FROM runs") == [("child",)]
        assert store.database.read("SELECT COUNT(*) FROM losses") == [(0,)]  # those are the parent's to note


FORK_DURING = """
import os, signal, sys, threading
from fedstore import Recorder, Store
store = Store(sys.argv[1])
begun = threading.Event()
def write():
    with store.database.write() as tx:
        tx.execute("INSERT INTO names (name) VALUES ('x')")
        begun.set()
        threading.Event().wait(0.3)  # while the fork begins
def read():
    with store.database.snapshot():
        begun.set()
        for _ in range(50):
            store.database.read("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                                " SELECT MAX(i) FROM n")
thread = threading.Thread(target={"write": write, "read": read}[sys.argv[2]])
thread.start()
begun.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    recorder = store.recorder()
    recorder.task("child")
    store.close()
    os._exit(recorder.lost)
thread.join()
_, status = os.waitpid(child, 0)
assert status == 0, status
store.recorder().task("parent")
"""


@pytest.mark.parametrize("doing", ["write", "read"])
def test_a_fork_in_the_middle_of_what_another_thread_does(tmp_path: Path, doing: str) -> None:
    """SQLite's memory must not be cut through: the child could not record, and would keep all others out."""
    process = start(FORK_DURING, tmp_path / "s.db", doing)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        assert store.database.read("SELECT agent FROM runs ORDER BY agent") == [("child",), ("parent",)]
        assert store.database.read("SELECT name FROM names") == ([("x",)] if doing == "write" else [])


FORK = """
import os, sys
from fedstore import Recorder
from fedstore.recording.background import Background
Background.INTERVAL_S = 3600.0
plain, queued = Recorder(sys.argv[1]), Recorder(sys.argv[1], background=True)
plain.task("parent")
queued.task("parent-queued")
child = os.fork()
if child == 0:
    ids = {plain.task("child") for _ in range(10)}
    queued.task("child-queued")
    plain.close()
    queued.close()
    os._exit(0 if len(ids) == 10 and plain.lost == queued.lost == 0 else 1)
_, status = os.waitpid(child, 0)
assert status == 0, status
for _ in range(10):
    plain.task("parent")
queued.close()
assert plain.lost == queued.lost == 0
"""


def test_both_sides_of_a_fork_record(tmp_path: Path) -> None:
    process = start(FORK, tmp_path / "s.db")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with Store(tmp_path / "s.db") as store:
        found = dict(store.database.read("SELECT agent, COUNT(*) FROM runs GROUP BY agent"))
        assert found == {"parent": 11, "parent-queued": 1, "child": 10, "child-queued": 1}
        assert store.database.read("PRAGMA quick_check") == [("ok",)]


HOLD = """
import sys
from fedstore import Store
store = Store(sys.argv[1])
with store.database.write():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_free_when_its_holder_dies(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "s.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate(timeout=60)
    with Store(tmp_path / "s.db") as store:
        assert store.writer().write([{"kind": "run", "agent": "a"}]).taken == 1


BEGIN_BESIDE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


def test_opening_a_store_again_does_not_drop_the_locks_on_it(tmp_path: Path) -> None:
    """A POSIX process loses its locks on a file when it closes any descriptor of it."""
    with Store(tmp_path / "s.db") as store, store.database.write() as tx:
        tx.execute("INSERT INTO names (name) VALUES ('x')")
        for readonly in (False, True):
            Store(tmp_path / "s.db", readonly=readonly).close()
        answer, _ = start(BEGIN_BESIDE, tmp_path / "s.db").communicate(timeout=60)
        assert answer == "database is locked\n"


DAEMON = """
import os, subprocess, sys
from fedstore import Recorder
path, shell = sys.argv[1:]
recorder = Recorder(path)
recorder.task("parent")
gone, leave = os.pipe()
if os.fork():
    os._exit(0)
os.close(leave)
os.read(gone, 1)  # returns when the parent is no more
recorder.task("daemon")
subprocess.run([sys.executable, "-c", shell, path], check=True)
recorder.task("daemon")
print(recorder.lost, flush=True)
os._exit(0)
"""
SHELL = """
import sys
from fedstore.recording.fast import Task, record_task
assert record_task(sys.argv[1], Task("shell")) is False
"""


def test_a_daemon_goes_on_recording_when_its_parent_is_gone(tmp_path: Path) -> None:
    """Another process that closes last, as it believes, must not take the log from under the daemon."""
    process = start(DAEMON, tmp_path / "s.db", SHELL)
    said, errors = process.communicate(timeout=60)
    assert (said, errors) == ("0\n", "")
    with Store(tmp_path / "s.db") as store:
        found = dict(store.database.read("SELECT agent, COUNT(*) FROM runs GROUP BY agent"))
        assert found == {"parent": 1, "daemon": 2, "shell": 1}


def test_a_reader_stays_in_touch_when_the_store_is_opened_beside_it(tmp_path: Path) -> None:
    """Whatever this process opens and closes, the log is not deleted under a connection that it keeps."""
    with Store(tmp_path / "s.db") as kept:
        kept.writer().write([{"kind": "run", "agent": "kept"}])
        assert kept.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
        Store(tmp_path / "s.db").close()
        Store(tmp_path / "s.db", readonly=True).close()
        for n in range(2):
            other = start(SHELL, tmp_path / "s.db")
            assert (other.wait(timeout=60), kept.database.read("SELECT COUNT(*) FROM runs")) == (0, [(2 + n,)])
            other.communicate()


def test_a_closed_store_is_one_file(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        store.writer().write([{"kind": "run", "agent": "a"}])
        assert store.database.read("SELECT COUNT(*) FROM runs") == [(1,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.db", "s.db.lock"]

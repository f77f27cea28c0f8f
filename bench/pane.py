"""What the pane costs: its first frame against an empty app of the same shape, and its share of a core afterwards.

python bench/pane.py --times 7 --seconds 20 --tabs overview agents

Limits: first paint within 1.3x of an empty five-tab Textual app, started in turns with it; when nothing changes, 1.5x
of what that app spends of a core with one timer a second, and 9x with 50 events a second and a table visible. Each app
runs in a pseudoterminal that is read all the time. The first paint is judged by the processor time until then, which
other programs on the machine disturb least; it is that of the kernel's scheduler (/proc, so Linux only).
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PAINT_LIMIT, IDLE_LIMIT, BUSY_LIMIT = 1.3, 1.5, 9.0
EVENTS_PER_SECOND = 50
SETTLE_S = 6.0
COLUMNS, LINES = 120, 40
FIRST, DATA = b"Overview", b"kimi"
PANE = "from fedtop.__main__ import main; main()"
EMPTY = """
from textual.app import App
from textual.widgets import Footer, Header, Static, TabbedContent, TabPane
class Empty(App):
    BINDINGS = [("q", "quit", "quit")]
    def compose(self):
        yield Header()
        with TabbedContent():
            for name in ("Overview", "Agents", "Cascade", "Costs", "Tools"):
                with TabPane(name):
                    yield Static()
        yield Footer()
    def on_mount(self):
        self.set_interval(1, lambda: None)
Empty().run()
"""
FILL = """
import sys
from fedstore import Simulation, Store
with Store(sys.argv[1]) as store:
    simulation = Simulation(store, 7)
    simulation.backfill()
    simulation.stop()
"""
FEED = """
import itertools, sys, time
from fedstore import Recorder
pause, began = 1 / float(sys.argv[2]), time.monotonic()
with Recorder(sys.argv[1]) as recorder:
    for number in itertools.count():
        agent, what = ("kimi", "claude", "codex", "gemini")[number % 4], number % 3
        if what == 0:
            recorder.task(agent, "review", number % 7 > 0, duration_ms=20_000 + number % 9_000)
        elif what == 1:
            recorder.usage(agent=agent, model="gpt-5-codex", task_type="review", input_tokens=900, output_tokens=90)
        else:
            recorder.record_execution(f"t{number}", "bash", 1.5, number % 9 > 0, 0.0, 0, "", False, agent_id=agent)
        if recorder.lost:
            sys.exit("facts were lost")
        time.sleep(max(0.0, began + (number + 1) * pause - time.monotonic()))
"""


class Terminal:
    """A program in a pseudoterminal whose output is read by a thread as it comes."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, *arguments], compiled(environment))
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.output = b""
        self.bytes = 0
        self._news = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._over:
            if not select.select([self._master], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(self._master, 65_536)
            except OSError:
                break
            with self._news:
                self.output = (self.output + chunk)[-400_000:]
                self.bytes += len(chunk)
                self._news.notify_all()

    def spent_until(self, wanted: bytes) -> tuple[float, float]:
        """Milliseconds from the start, of the clock and of the processor, until something is on the screen."""
        with self._news:
            if not self._news.wait_for(lambda: wanted in self.output, 30):
                raise SystemExit(f"{wanted!r} never came: {self.output[-2_000:]!r}")
        return (time.perf_counter() - self.started) * 1000, self.cpu_s() * 1000

    def cpu_s(self) -> float:
        """Seconds of processor time that its threads have taken."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def close(self) -> None:
        """Ends the program."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        self._over = True
        self._thread.join()
        os.close(self._master)


def pane(store: Path, tab: str = "overview") -> list[str]:
    return ["-c", PANE, "top", "--store", str(store), "--tab", tab]


def compiled(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a program that is installed: what its first start compiles, the next one finds."""
    return {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def running(arguments: list[str], environment: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal(arguments, environment)
    try:
        yield terminal
    finally:
        terminal.close()


def first_paint(times: int, store: Path, environment: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Median milliseconds, of the clock and of the processor, until each is on the screen.

    They are started in turns; one turn before warms the caches.
    """
    found: dict[str, list[tuple[float, float]]] = {"empty app": [], "fedtop, frame": [], "fedtop, data": []}
    for _ in range(times + 1):
        with running(["-c", EMPTY], environment) as terminal:
            found["empty app"].append(terminal.spent_until(FIRST))
        with running(pane(store), environment) as terminal:
            found["fedtop, frame"].append(terminal.spent_until(FIRST))
            found["fedtop, data"].append(terminal.spent_until(DATA))
    return {
        name: (min(ms for ms, _ in values[1:]), min(cpu for _, cpu in values[1:])) for name, values in found.items()
    }


def share_of_a_core(arguments: list[str], environment: dict[str, str], seconds: float) -> tuple[float, int]:
    """Per cent of a core over some seconds, and the bytes drawn meanwhile."""
    with running(arguments, environment) as terminal:
        terminal.spent_until(FIRST)
        time.sleep(SETTLE_S)
        cpu, drawn, began = terminal.cpu_s(), terminal.bytes, time.perf_counter()
        time.sleep(seconds)
        spent = terminal.cpu_s() - cpu
        return 100 * spent / (time.perf_counter() - began), terminal.bytes - drawn


@contextlib.contextmanager
def fed(store: Path, rate: float) -> Iterator[None]:
    """While another process records so many events a second, each for itself."""
    with subprocess.Popen([sys.executable, "-c", FEED, str(store), str(rate)]) as feeder:
        try:
            yield
            if feeder.poll() is not None:
                raise SystemExit("the recording process ended by itself: nothing was measured")
        finally:
            feeder.terminate()


def judged(value: float, limit: float, text: str) -> str:
    return f"{text} | {'ok' if value <= limit else 'OVER'} |"


def print_paint(times: int, store: Path, environment: dict[str, str]) -> bool:
    found = first_paint(times, store, environment)
    (clock, processor), frame = found["empty app"], found["fedtop, frame"]
    print(f"first paint, {COLUMNS}x{LINES}, the least of {times}, in turns\n")
    print("| what          |  clock |  ratio | processor |  ratio | limit |    |")
    print("|---------------|--------|--------|-----------|--------|-------|----|")
    for name, (ms, cpu) in found.items():
        line = f"| {name:13} | {ms:3.0f} ms | {ms / clock:5.2f}x | {cpu:6.0f} ms | {cpu / processor:5.2f}x | "
        ratio = cpu / processor
        print(line + (judged(ratio, PAINT_LIMIT, f"{PAINT_LIMIT}x ") if name == "fedtop, frame" else "      |    |"))
    return frame[1] / processor <= PAINT_LIMIT


def print_cpu(tabs: list[str], seconds: float, store: Path, environment: dict[str, str]) -> bool:
    print(f"\nshare of a core over {seconds:.0f} s\n")
    print("| what                   |   cpu % | bytes/s |  ratio | limit |    |")
    print("|------------------------|---------|---------|--------|-------|----|")
    fine = True
    floor, drawn = share_of_a_core(["-c", EMPTY], environment, seconds)
    print(f"| {'empty app, one timer':22} | {floor:7.2f} | {drawn / seconds:7.0f} |  1.00x |       |    |")
    for busy, limit in ((False, IDLE_LIMIT), (True, BUSY_LIMIT)):
        for tab in tabs:
            with fed(store, EVENTS_PER_SECOND) if busy else contextlib.nullcontext():
                share, drawn = share_of_a_core(pane(store, tab), environment, seconds)
            what = f"{tab}, {f'{EVENTS_PER_SECOND} events/s' if busy else 'idle'}"
            ratio, end = share / floor, judged(share / floor, limit, f"{limit:4.1f}x")
            print(f"| {what:22} | {share:7.2f} | {drawn / seconds:7.0f} | {ratio:5.2f}x | {end}")
            fine = fine and ratio <= limit
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=7, help="starts of each app")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the processor time is watched")
    parser.add_argument("--tabs", nargs="+", default=["overview", "agents"], metavar="TAB")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("FEDTOP_", "TEXTUAL"))}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "FEDTOP_CONFIG": str(Path(folder, "none"))}
        store = Path(folder, "fedtop.db")
        subprocess.run([sys.executable, "-c", FILL, str(store)], env=environment, check=True)
        quick = print_paint(asked.times, store, environment)
        frugal = print_cpu(asked.tabs, asked.seconds, store, environment)
    return 0 if quick and frugal else 1


if __name__ == "__main__":
    sys.exit(main())

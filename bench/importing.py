"""What reading costs per megabyte, against a native reader of the same files, and what it costs when nothing is new.

python bench/importing.py --ccusage PATH --claude FOLDER --codex FOLDER

Sessions are made up, with the kinds and sizes of lines that real ones have; --claude and --codex take real ones, whose
copies get ids of their own. Costs are processor time: what four disjoint copies of a set take beyond the set itself,
per megabyte of difference, so that no program's start counts. The native reader is `ccusage` (npm i ccusage), found by
--ccusage or on the PATH; without it the figures stand without a ratio.

Limits: Claude Code at most 4x and Codex at most 8x ccusage per megabyte; memory at most 1.5x of its; an import of
nothing new at most 6x `python -c pass`; following 5,000 old files at most 0.5 % of a core.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from limits import Limits

ENTRY = "from fedtop.__main__ import main; main()"
CLAUDE, CODEX, MEMORY, NOTHING, IDLE = 4.0, 8.0, 1.5, 6.0, 0.5
COPIES = 4
SESSIONS = 6
OLD_FILES = 5_000
CODE = "let x = 1;\n" * 200
Line = dict[str, Any]


class Cost(NamedTuple):
    """Processor time in seconds and the most memory in megabytes that a process took."""

    cpu_s: float
    memory_mb: float


# --- what is read -----------------------------------------------------------------------------------------------


def when(second: float) -> str:
    return (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_772_000_000 + second)) + f".{int(second * 1000) % 1000:03d}Z"
    )


def claude_lines(session: str, turns: int) -> Iterator[Line]:
    """A session: turns of ten responses, each of two or three lines with a tool, its progress and its result."""
    clock = 0.0
    number = 0

    def entry(kind: str, **more: Any) -> Line:
        nonlocal clock, number
        clock, number = clock + 1.7, number + 1
        return {
            "parentUuid": f"{session[:-12]}{number - 1:012d}", "isSidechain": False, "userType": "external",
            "cwd": "/home/dev/projects/shop", "sessionId": session, "version": "2.1.39", "gitBranch": "main",
            "type": kind, "uuid": f"{session[:-12]}{number:012d}", "timestamp": when(clock), **more,
        }  # fmt: skip

    for turn in range(turns):
        yield entry("user", message={"role": "user", "content": "Please look into it. " * 60})
        for response in range(10):
            name = f"01{session[:8]}{turn:06d}{response:08d}"
            usage = {
                "input_tokens": 3, "cache_read_input_tokens": 30_000 + 100 * response, "output_tokens": 300 + response,
                "cache_creation_input_tokens": 900, "service_tier": "standard", "inference_geo": "not_available",
                "cache_creation": {"ephemeral_5m_input_tokens": 900, "ephemeral_1h_input_tokens": 0},
            }  # fmt: skip
            tool = {"type": "tool_use", "id": f"toolu_{name}", "name": ("Bash", "Read", "Edit", "Grep")[response % 4],
                    "input": {"command": "make test " * 40, "description": "Run the tests"}}  # fmt: skip
            thought = {"type": "thinking", "thinking": "Let me see. " * 60, "signature": "x" * 300}
            for block in ([thought, tool], [{"type": "text", "text": "I will. " * 50}, tool], [tool])[response % 3]:
                message = {"model": "claude-sonnet-4-5-20250929", "id": f"msg_{name}", "type": "message",
                           "role": "assistant", "content": [block], "stop_reason": None, "stop_sequence": None,
                           "usage": usage}  # fmt: skip
                yield entry("assistant", message=message, requestId=f"req_{name}")
            for _ in range(4):
                data = {"type": "hook_progress", "hookEvent": "PreToolUse", "command": "callback"}
                yield entry("progress", toolUseID=tool["id"], parentToolUseID=tool["id"], data=data)
            yield entry("progress", toolUseID=tool["id"], parentToolUseID=tool["id"],
                        data={"type": "bash_progress", "output": "line\n" * 70, "elapsedTimeSeconds": 2})  # fmt: skip
            said = "def read(path):\n    return path.read_text()\n" * 60
            block = {"type": "tool_result", "tool_use_id": tool["id"], "content": said, "is_error": response == 9}
            yield entry("user", message={"role": "user", "content": [block]}, toolUseResult={"stdout": said})
        yield entry("system", subtype="turn_duration", durationMs=61_000, isMeta=False)


def codex_lines(session: str, turns: int) -> Iterator[Line]:
    """A thread: turns of ten calls, each with its settings, a tool, a thought and two counts."""
    clock, total = 0.0, 0

    def line(kind: str, **payload: Any) -> Line:
        nonlocal clock
        clock += 0.9
        return {"timestamp": when(clock), "type": kind, "payload": payload}

    yield line("session_meta", id=session, timestamp=when(0), cwd="/home/dev/shop", originator="codex_cli_rs",
               cli_version="0.130.0", source="cli", model_provider="openai",
               base_instructions={"text": "You are a coding agent. " * 600})  # fmt: skip
    for turn in range(turns):
        name = f"{session[:-12]}{turn:012d}"
        yield line("event_msg", type="task_started", turn_id=name, model_context_window=258_400)
        yield line("event_msg", type="user_message", message="Please go on. " * 10, images=[])
        for call in range(10):
            yield line("turn_context", turn_id=name, cwd="/home/dev/shop", approval_policy="on-request",
                       sandbox_policy={"type": "workspace-write"}, model="gpt-5.3-codex",
                       user_instructions="Be brief. " * 60)  # fmt: skip
            yield line("response_item", type="reasoning", summary=[], content=None, encrypted_content="g" * 900)
            call_id = f"call_{session[:8]}{turn:06d}{call:06d}x"
            yield line("response_item", type="function_call", name="exec_command", call_id=call_id,
                       arguments=json.dumps({"cmd": "sed -n 1,200p src/main.rs"}))  # fmt: skip
            yield line("response_item", type="function_call_output", call_id=call_id,
                       output=f"Wall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n{CODE}")  # fmt: skip
            total += 1
            counts = {"input_tokens": 20_000, "cached_input_tokens": 18_000, "output_tokens": 250,
                      "reasoning_output_tokens": 60, "total_tokens": 20_250}  # fmt: skip
            info = {"total_token_usage": {key: count * total for key, count in counts.items()},
                    "last_token_usage": counts, "model_context_window": 258_400}  # fmt: skip
            limits = {"primary": {"used_percent": 12.0, "window_minutes": 300, "resets_at": 1}, "credits": None}
            for _ in range(2):
                yield line("event_msg", type="token_count", info=info, rate_limits=limits)
        yield line("event_msg", type="agent_message", message="Done. " * 20)
        yield line("event_msg", type="task_complete", turn_id=name, last_agent_message="Done.")


def write_made(folder: Path, kind: str, first: int, sessions: int) -> None:
    lines = claude_lines if kind == "claude" else codex_lines
    for number in range(first, first + sessions):
        session = f"{number:08x}-0000-7000-8000-000000000000"
        name = f"{session}.jsonl" if kind == "claude" else f"rollout-2026-02-25T08-00-00-{session}.jsonl"
        (folder / name).write_text(
            "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines(session, 24))
        )


_ID = re.compile(rb"(?:msg_|req_|toolu_|call_)[A-Za-z0-9_]{8,}|[0-9a-f]{8}-(?=[0-9a-f]{4}-[0-9a-f]{4}-)")


def write_copy(folder: Path, source: Path, copy: int) -> None:
    """The sessions of a folder under ids of their own."""

    def other(found: re.Match[bytes]) -> bytes:
        text = found[0]
        at = text.rfind(b"_") + 2 if b"_" in text else 1
        return text[:at] + f"{copy:02x}".encode() + text[at + 2 :]

    for path in sorted(source.rglob("*.jsonl")):
        name = _ID.sub(other, os.fsencode(path.name)).decode()
        (folder / f"{copy:02x}-{name}" if name == path.name else folder / name).write_bytes(
            _ID.sub(other, path.read_bytes())
        )


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.jsonl")) / 1e6


# --- what it costs -----------------------------------------------------------------------------------------------


def cost(command: list[str], environment: dict[str, str]) -> Cost:
    """What a command takes; it must succeed."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … failed with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Bench:
    """A folder with all that is read and written, and how the two programs are called on it."""

    def __init__(self, folder: Path, native: str | None) -> None:
        self.folder = folder
        self.native = native
        self.limits = Limits()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
        self.environment = {**kept, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}

    def fedtop(self, root: Path, *, again: bool = False) -> Cost:
        store = root.with_suffix(".db")
        if not again:
            for path in self.folder.glob(f"{store.name}*"):
                path.unlink()
        command = [sys.executable, "-c", ENTRY, "import", str(root)]
        return cost(command, {**self.environment, "FEDTOP_STORE": str(store)})

    def ccusage(self, root: Path, kind: str) -> Cost:
        variable = {"claude": "CLAUDE_CONFIG_DIR", "codex": "CODEX_HOME"}[kind]
        command = [str(self.native), kind, "daily", "--json", "--offline"]
        return cost(command, {**self.environment, variable: str(root)})

    def roots(self, kind: str, source: Path | None) -> tuple[Path, Path]:
        """A set of sessions, and four disjoint copies of it."""
        found = []
        for name, copies in (("set", range(1)), ("copies", range(1, 1 + COPIES))):
            root = self.folder / f"{kind}-{name}"
            inner = root / ("projects/-home-dev-shop" if kind == "claude" else "sessions/2026/02/25")
            inner.mkdir(parents=True)
            for copy in copies:
                if source is None:
                    write_made(inner, kind, copy * 100, SESSIONS)
                else:
                    write_copy(inner, source, copy)
            found.append(root)
        return found[0], found[1]

    def slope(self, kind: str, source: Path | None, times: int, limit: float) -> None:
        """Prints what a kind of sessions costs."""
        one, four = self.roots(kind, source)
        difference = size_mb(four) - size_mb(one)
        self.fedtop(one)
        ours = [(self.fedtop(one), self.fedtop(four)) for _ in range(times)]
        per_mb = 1000 * (min(b.cpu_s for _, b in ours) - min(a.cpu_s for a, _ in ours)) / difference
        memory = max(b.memory_mb for _, b in ours)
        what = f"{kind}, {size_mb(four):.0f} MB"
        if self.native is None:
            print(f"| {what:29} | {per_mb:7.1f} ms/MB | {'':13} | {'':7} | {'':5} | {'':6} |")
            print(f"| {what + ', memory':29} | {memory:10.0f} MB | {'':13} | {'':7} | {'':5} | {'':6} |")
        else:
            self.ccusage(one, kind)
            native = [(self.ccusage(one, kind), self.ccusage(four, kind)) for _ in range(times)]
            base = 1000 * (min(b.cpu_s for _, b in native) - min(a.cpu_s for a, _ in native)) / difference
            used = max(b.memory_mb for _, b in native)
            self.line(what, f"{per_mb:.1f} ms/MB", f"{base:.1f} ms/MB", per_mb / base, limit)
            self.line(f"{what}, memory", f"{memory:.0f} MB", f"{used:.0f} MB", memory / used, MEMORY)
        nothing = min(cost([sys.executable, "-c", "pass"], self.environment).cpu_s for _ in range(5))
        again = min(self.fedtop(one, again=True).cpu_s for _ in range(5))
        self.line(
            f"{kind}, nothing new", f"{1000 * again:.0f} ms", f"{1000 * nothing:.0f} ms", again / nothing, NOTHING
        )

    def idle(self, seconds: float) -> None:
        """Prints what following thousands of old files takes of a core once they are read."""
        root = self.folder / "old"
        entry = json.dumps({"kind": "run", "id": "r", "agent": "a", "at": "2026-02-25T08:00:00Z"}) + "\n"
        for number in range(OLD_FILES):
            path = root / f"{number % 50:02d}" / f"{number:05d}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(entry.replace('"r"', f'"r{number}"'))
            os.utime(path, (time.time() - 86_400,) * 2)
        for path in (root, *root.iterdir()):
            os.utime(path, (time.time() - 86_400,) * 2)
        self.fedtop(root)
        command = [sys.executable, "-c", ENTRY, "import", "--follow", str(root)]
        environment = {**self.environment, "FEDTOP_STORE": str(root.with_suffix(".db"))}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(8)
            before = used_s(process.pid)
            time.sleep(seconds)
            share = 100 * (used_s(process.pid) - before) / seconds
            process.send_signal(signal.SIGINT)
        self.line(f"following {OLD_FILES:,} old files", f"{share:.2f} %", "of a core", share, IDLE, "%")

    def line(self, what: str, ours: str, other: str, value: float, limit: float, unit: str = "x") -> None:
        held = self.limits.judge(value, limit)
        print(f"| {what:29} | {ours:>13} | {other:>13} | {value:6.2f}{unit} | {limit:4}{unit} | {held:6} |", flush=True)


def used_s(pid: int) -> float:
    """The processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ccusage", default=shutil.which("ccusage"), help="the native reader; else that of the PATH")
    parser.add_argument("--claude", type=Path, help="a folder of real transcripts instead of made ones")
    parser.add_argument("--codex", type=Path, help="a folder of real rollouts instead of made ones")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds to follow for")
    options = parser.parse_args()
    if options.ccusage is None:
        print("ccusage is not installed (npm i -g ccusage): figures without a ratio\n")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.ccusage)
        print("| what                          |        fedtop |       ccusage |   ratio | limit |        |")
        print(
            "|-------------------------------|---------------|---------------|---------|-------|--------|", flush=True
        )
        bench.slope("claude", options.claude, options.times, CLAUDE)
        bench.slope("codex", options.codex, options.times, CODEX)
        if sys.platform == "linux":
            bench.idle(options.idle)
    return bench.limits.code


if __name__ == "__main__":
    sys.exit(main())

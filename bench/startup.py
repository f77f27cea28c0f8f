"""How long the shell waits, against an interpreter that does nothing and an app that shows nothing.

python bench/startup.py --times 20

Limits: `fedtop --help` and `fedtop record` within 3x of `python -c pass`. Wall time, best of some runs, with the
bytecode of an installed program in place.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from limits import Limits

LIMIT = 3.0
ENTRY = "from fedtop.__main__ import main; main()"
TASK = ("record", "--agent", "kimi", "--task", "code", "--success", "true", "--duration", "25")


def best_ms(times: int, arguments: tuple[str, ...], environment: dict[str, str]) -> float:
    """Shortest wall time of a Python process, in milliseconds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - started)
    return best * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
        environment |= {"FEDTOP_STORE": str(Path(folder) / "s.db"), "PYTHONDONTWRITEBYTECODE": ""}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        rows = {
            "python -c pass": ("-c", "pass"),
            "fedtop --help": ("-c", ENTRY, "--help"),
            "fedtop record": ("-c", ENTRY, *TASK),
            "import fedstore": ("-c", "import fedstore"),
            "from fedstore import Recorder": ("-c", "from fedstore import Recorder"),
        }
        for arguments in rows.values():
            best_ms(1, arguments, environment)
        found = {name: best_ms(times, arguments, environment) for name, arguments in rows.items()}
    nothing = found["python -c pass"]
    limits = Limits()
    print("| what                          |     ms | of `python -c pass` | limit |        |")
    print("|-------------------------------|--------|---------------------|-------|--------|")
    for name, ms in found.items():
        limit, held = (f"{LIMIT:.0f}x", limits.judge(ms / nothing, LIMIT)) if name.startswith("fedtop") else ("", "")
        print(f"| {name:29} | {ms:6.1f} | {ms / nothing:18.2f}x | {limit:>5} | {held:6} |")
    return limits.code


if __name__ == "__main__":
    sys.exit(main())

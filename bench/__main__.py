"""Everything that is promised about speed, measured by one command: python -m bench [PART...]

Each part prints what it measured beside its limit, as ratios where a machine's own speed would blur the number.
The long parts (plans at a million events, 200 repetitions of a validity study) are left out unless --all is given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
QUICK = (
    ("startup.py",),
    ("pane.py",),
    ("recording.py",),
    ("importing.py",),
    ("queries.py",),
    ("lever.py",),
    ("tuning_from_store.py", "--sizes", "100000"),
)
LONG = (
    ("queries.py", "--events", "10000000"),
    ("tuning_from_store.py", "--sizes", "1000000"),
    ("tuning_speed.py",),
    ("tuning_validity.py",),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the long parts too (about a quarter of an hour)")
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these, such as recording or startup")
    options = parser.parse_args()
    chosen = [part for part in QUICK + LONG * options.all if not options.parts or part[0][:-3] in options.parts]
    if not chosen:
        parser.error(f"PART is one of {', '.join(sorted({part[0][:-3] for part in QUICK + LONG}))}")
    failed = 0
    for script, *arguments in chosen:
        print(f"\n## {' '.join((script, *arguments))}\n", flush=True)
        started = time.perf_counter()
        failed += subprocess.run([sys.executable, str(HERE / script), *arguments], check=False).returncode != 0
        print(f"\n({time.perf_counter() - started:.0f} s)", flush=True)
    print("\nevery limit holds" if not failed else f"\n{failed} of {len(chosen)} parts missed a limit")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a plan takes from a decision log in memory, and how fast the lever answers. One core.

python bench/tuning_speed.py --sizes 10000 100000 1000000
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np

from fedstore.learning.lever import Lever
from fedstore.learning.tuning import TuneSettings, tune
from made import SCENARIOS, as_logged, population

if TYPE_CHECKING:
    from collections.abc import Callable


def best_of(times: int, run: Callable[[], object]) -> float:
    """Shortest wall time in seconds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    scenario = SCENARIOS[0]
    print("| events  | tune, live log | tune, probe 30 % | tune, aggressive | lever: build | lever: one reading |")
    print("|---------|----------------|------------------|------------------|--------------|--------------------|")
    for n in options.sizes:
        full = population(scenario, n, np.random.default_rng(1))
        live = as_logged(full, np.random.default_rng(2), graded=0.5)
        probed = as_logged(full, np.random.default_rng(2), graded=0.5, probe_rate=0.3)
        normal = TuneSettings(target=scenario.target)
        wide = TuneSettings(target=scenario.target, aggressive=True)
        lever = Lever(live, 1)
        readings = np.linspace(0.4, 1.0, 200)
        cells = (
            best_of(options.times, lambda log=live, s=normal: tune(log, scenario.thresholds, s)),
            best_of(options.times, lambda log=probed, s=normal: tune(log, scenario.thresholds, s)),
            best_of(options.times, lambda log=probed, s=wide: tune(log, scenario.thresholds, s)),
            best_of(options.times, lambda log=live: Lever(log, 1)),
            best_of(options.times, lambda lever=lever, at=readings: [lever.at(float(t)) for t in at]) / len(readings),
        )
        print(
            f"| {n:7d} | {cells[0]:12.3f} s | {cells[1]:14.3f} s | {cells[2]:14.3f} s | {cells[3]:10.3f} s | "
            f"{cells[4] * 1000:15.3f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()

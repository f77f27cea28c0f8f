"""How long a threshold plan takes from the store, reading included. One core, one process.

python bench/tuning_from_store.py --sizes 100000 1000000

The store is filled by joining trails directly (the recorder has a bench of its own). Limit: from 100,000 decisions on a
plan takes at most 3x the processor time of a bare SELECT of the same rows. Times are the best of some runs; "cpu" is
this process's own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fedstore.facts.trail import ACCEPTED, HEADER_LAYER, NOBODY, SHADOW
from fedstore.learning.log import DecisionLog
from fedstore.policy import PolicyStore
from fedstore.queries.decisions import read_decisions
from fedstore.settings.config import Settings
from fedstore.store import Store
from fedstore.window import Window
from limits import Limits
from made import SCENARIOS, as_logged, population

ALL = Window(0, 1 << 50, "all")
LIMIT, LIMITED_FROM = 3.0, 100_000
_ROWS = "SELECT trail, agent, layer, at_ms, latency_us, correct, correct_agent FROM routes ORDER BY at_ms, id"
START_MS, STEP_MS = 1_760_000_000_000, 500
_RECORD = np.dtype(
    [("layer", "<u4"), ("agent", "<u4"), ("latency", "<u4"), ("flags", "u1"), ("pad", "u1"), ("rate", "<u2"),
     ("confidence", "<f8"), ("threshold", "<f8")]
)  # fmt: skip
_HEADER = np.dtype([("mark", "<u4"), ("agent", "<u4"), ("pad", "<u8"), ("at", "<i8"), ("attempts", "<i8")])
_INSERT = (
    "INSERT INTO routes (id, task_id, agent, layer, at_ms, latency_us, correct, correct_agent, trail, source,"
    " recorded_ms) VALUES (?, '', ?, ?, ?, ?, ?, ?, ?, 'bench', ?)"
)


def trails(log: DecisionLog, layer_code: int, agent_code: int) -> list[bytes]:
    """The packed trail of each decision; codes of layers and agents start at the given ones."""
    n, k = log.confidence.shape
    records = np.zeros((n, k + 1), dtype=_RECORD)
    head = records[:, 0].view(_HEADER)
    seen = ~np.isnan(log.threshold)
    head["mark"], head["at"], head["attempts"] = HEADER_LAYER, START_MS + np.arange(n) * STEP_MS, seen.sum(axis=1)
    head["agent"] = np.where(log.final < 0, NOBODY, log.final + agent_code)
    body = records[:, 1:]
    body["layer"] = np.arange(k) + layer_code
    body["agent"] = np.where(log.proposal < 0, NOBODY, log.proposal + agent_code)
    body["latency"] = np.nan_to_num(log.latency_ms * 1000).astype(np.uint32)
    body["flags"] = np.where(log.shadow, SHADOW, 0) + np.where(log.accepted[:, None] == np.arange(k), ACCEPTED, 0)
    body["rate"], body["confidence"], body["threshold"] = 65535, log.confidence, log.threshold
    kept = np.concatenate([np.ones((n, 1), dtype=bool), seen], axis=1)
    joined, ends = records[kept].tobytes(), np.cumsum(kept.sum(axis=1)) * _RECORD.itemsize
    starts = np.concatenate([[0], ends[:-1]])
    return [joined[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def fill(store: Store, log: DecisionLog) -> None:
    """Write the log's decisions."""
    layers = log.deciders
    with store.database.write() as tx:
        tx.executemany("INSERT INTO names (code, name) VALUES (?, ?)", list(enumerate((*layers, *log.agents), 1)))
        packed = trails(log, 1, len(layers) + 1)
        tx.executemany(
            _INSERT,
            (
                (
                    f"{START_MS + i * STEP_MS:012x}{i:020x}", log.agents[log.final[i]] if log.final[i] >= 0 else "",
                    layers[log.accepted[i]], START_MS + i * STEP_MS, 40_000,
                    None if log.correct[i] < 0 else int(log.correct[i]),
                    None if log.true_agent[i] < 0 else log.agents[log.true_agent[i]], packed[i], START_MS,
                )
                for i in range(len(log))
            ),
        )  # fmt: skip


def best_of(times: int, run: Callable[[], object]) -> tuple[float, float]:
    """Shortest wall time and shortest processor time, in seconds."""
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def measure(n: int, times: int) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Wall and processor time of reading `n` decisions and of a plan from them, and the latter of a bare SELECT."""
    rng = np.random.default_rng(1)
    log = as_logged(population(SCENARIOS[0], n, rng), rng, probe_rate=0.3, graded=0.5)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db", settings=Settings()) as store:
        fill(store, log)
        assert len(read_decisions(store.database, ALL)) == n
        loop = PolicyStore(store)
        settings = loop.tune_settings(target=0.94)
        read = best_of(times, lambda: read_decisions(store.database, ALL))
        _, bare = best_of(times, lambda: store.database.read(_ROWS))
        return read, best_of(times, lambda: loop.propose_tune(settings, ALL)), bare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    limits = Limits()
    heads = ["decisions", "SELECT, cpu", "read   ", "read, cpu", "plan, reading included", "plan, cpu", "ratio "]
    heads += ["limit", "      "]
    print(f"| {' | '.join(heads)} |")
    print(f"|{'|'.join('-' * (2 + len(head)) for head in heads)}|")
    for n in options.sizes:
        read, plan, bare = measure(n, options.times)
        ratio = plan[1] / bare
        end = [f"{LIMIT:.0f}x", limits.judge(ratio, LIMIT)] if n >= LIMITED_FROM else ["", ""]
        cells = [f"{n:9,}", f"{bare:9.3f} s", f"{read[0]:5.2f} s", f"{read[1]:7.2f} s", f"{plan[0]:20.2f} s"]
        cells += [f"{plan[1]:7.2f} s", f"{ratio:5.2f}x", f"{end[0]:>5}", f"{end[1]:6}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    return limits.code


if __name__ == "__main__":
    sys.exit(main())

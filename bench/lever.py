"""How long a move of a threshold takes from the key to the finished lines of the screen, as a share of 16 ms.

python bench/lever.py --sizes 1000 100000 --moves 300

The layer screen runs headless over a log in memory; a move is the lever's prediction, the table, the histogram,
and the whole screen composed again. What follows, the terminal's own work, is not the pane's to answer for.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fedstore.queries.models import Durations, LayerRow, LayerView, Rate
from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from fedtop.views import layer as layer_screen
from made import SCENARIOS, as_logged, population

if TYPE_CHECKING:
    from fedstore.learning.log import DecisionLog
    from fedstore.window import Window

FRAME_S = 0.016
NOW_MS = 1_773_146_096_789


class Reader:
    """Answers for a layer whose decisions are in memory."""

    def __init__(self, row: LayerRow) -> None:
        self.row = row

    def change_token(self) -> int:
        return 1

    def newest_ms(self, *_: str) -> int:
        return NOW_MS

    def kept(self, window: Window) -> Window:
        return window

    def last_recorded_ms(self) -> int:
        return NOW_MS

    def layer(self, _name: str, window: Window) -> LayerView:
        return LayerView(window, self.row, (), ())


class Source:
    """A store that is only a reader."""

    path = Path("memory")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def reader(self) -> Reader:
        return self._reader


def row_of(log: DecisionLog, k: int, threshold: float) -> LayerRow:
    """The row the screen shows above the lever."""
    attempts = int(np.count_nonzero(~np.isnan(log.confidence[:, k])))
    taken = int(np.count_nonzero(log.accepted == k))
    return LayerRow(
        log.layers[k], k, attempts, Rate(taken, len(log)), Rate(taken, attempts), None, Durations(), Rate(0, 0), 0,
        threshold, "", "",
    )  # fmt: skip


async def moves(log: DecisionLog, k: int, threshold: float, times: int, size: tuple[int, int]) -> list[float]:
    """Seconds per move; the lever wanders over the whole range."""
    layer_screen.load_log = lambda *_: log  # type: ignore[assignment]
    app = FedtopApp(
        Source(Reader(row_of(log, k, threshold))),
        AppOptions(clock=lambda: NOW_MS, tz=UTC, interval_s=60.0, tab="cascade"),
    )
    async with app.run_test(size=size) as pilot:
        panel = layer_screen.LayerPanel(log.layers[k])
        app.open_panel(panel)
        while panel.lever_at is None:
            if app.fresh.problem:
                raise SystemExit(f"the screen could not be read: {app.fresh.problem}")
            await pilot.pause(0.02)
        return [one_move(app, panel, (-1) ** (i // 40)) for i in range(times)]


def one_move(app: Any, panel: layer_screen.LayerPanel, step: int) -> float:
    """Processor seconds from the action to the composed screen."""
    started = time.thread_time()
    panel.action_lever(step)
    app.screen._compositor.render_strips()
    return time.thread_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--moves", type=int, default=300)
    options = parser.parse_args()
    scenario, k = SCENARIOS[0], 1
    print("| decisions | screen | median / 16 ms | 99th / 16 ms |")
    print("|-----------|--------|----------------|--------------|")
    for n in options.sizes:
        log = as_logged(population(scenario, n, np.random.default_rng(1)), np.random.default_rng(2), graded=0.5)
        for size in ((80, 24), (120, 40), (200, 50)):
            took = sorted(asyncio.run(moves(log, k, scenario.thresholds[k], options.moves, size)))
            median, late = statistics.median(took), took[int(len(took) * 0.99)]
            screen = f"{size[0]}x{size[1]}"
            print(f"| {n:9,} | {screen:>6} | {median / FRAME_S:14.2f} | {late / FRAME_S:12.2f} |", flush=True)


if __name__ == "__main__":
    main()

"""Counts of a metrics file made into runs: what was counted before, and what a later state of the file adds or changes.

Each of the last tasks that the file keeps is a run with its own time, duration and notes. Of the others only counts are
known: each is a run whose id follows from the file, the agent, the task type, the result and an ordinal, at the time of
the file. So a file that has grown adds its growth. A file that takes something back (a task turned out badly) is
followed too: a verdict goes to a run that fell away. What is told as a sum only, durations and rework, is spread over
these runs, so that means and rates are right.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict

from fedstore.facts.events import Event, Run, Verdict
from fedstore.ids import stable_id
from fedstore.ingest.federation import SOURCE, Cell, FederationFile, Task
from fedstore.widths import MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedstore.ingest.reader import State

__all__ = ["Tally"]


class Made(TypedDict):
    """What was made of a cell, as the state keeps it."""

    good: int
    bad: int
    """How many runs were made as such."""
    turned: list[list[int]]
    """The ordinals of those of them that a verdict turned round since, good ones first."""
    ms: int
    """The time given to them."""
    seen: list[int]
    """The last tasks that were seen one by one: good, bad, and their time."""
    untimed: NotRequired[int]
    """How many of these have none."""


def _nothing() -> Made:
    """What is known of a cell at first."""
    return {"good": 0, "bad": 0, "turned": [[], []], "ms": 0, "seen": [0, 0, 0]}


class _Growth(NamedTuple):
    """Runs to make of a cell, and the time that each of them is given."""

    cell: Cell
    good: int
    bad: int
    each_ms: float | None


class Tally:
    """What is known of one file. `state` is JSON and goes on in the next import of it."""

    def __init__(self, state: State) -> None:
        self._cells: dict[str, Made] = state.get("cells", {})
        self._rework: dict[str, list[int]] = state.get("rework", {})
        self._recent: dict[str, tuple[bool, bool | None]] = state.get("recent", {})
        self._at: int = state.get("at", 0)
        self.new = 0
        """Runs that were made."""
        self.gone = 0
        """Tasks that the file counted once and does not count any more; their runs stay."""

    def state(self) -> dict[str, object]:
        """What must be remembered."""
        return {"cells": self._cells, "rework": self._rework, "recent": self._recent, "at": self._at}

    def is_older(self, found: FederationFile) -> bool:
        """Whether a later state of the file was counted already."""
        return found.at_ms < self._at

    def adopt(self, found: FederationFile, recorded: Callable[[str], bool]) -> None:
        """Take what an earlier release made of the file, which kept no tally: its runs are looked up by their ids."""
        for cell in found.cells:
            known = self._cell(cell.agent, cell.task_type)
            known["good"], known["bad"] = (
                _first_missing(recorded, partial(_id, found, cell.agent, cell.task_type, success))
                for success in (True, False)
            )
        self._recent = {task.id: (task.success, task.rework) for task in found.recent}

    def events(self, found: FederationFile) -> Iterator[Event]:
        """The runs and verdicts that bring what was counted to what the file says now."""
        self._at = max(self._at, found.at_ms)
        yield from self._tasks(found)
        for agent, cells in groupby(found.cells, key=lambda cell: cell.agent):
            grown: list[_Growth] = []
            for cell in cells:
                yield from self._turned(found, cell)
                grown.append(self._growth(cell, means=found.means))
            yield from self._runs(found, agent, grown)

    # --- the last tasks ------------------------------------------------------------------------------------

    def _tasks(self, found: FederationFile) -> Iterator[Event]:
        before, self._recent = self._recent, {}
        for task in found.recent:
            said = task.success, task.rework
            self._recent[task.id] = said
            known = self._cell(task.agent, task.task_type)
            rework = self._reworked(task.agent)
            if task.id not in before:
                self.new += 1
                known["seen"][0 if task.success else 1] += 1
                known["seen"][2] += round(task.duration_ms or 0)
                known["untimed"] = known.get("untimed", 0) + (task.duration_ms is None)
                rework[0] += task.rework is True
                rework[2] += task.rework is not None
                yield _run_of(task)
            elif tuple(before[task.id]) != said:
                was_good, was_rework = before[task.id]
                known["seen"][0] += task.success - was_good
                known["seen"][1] -= task.success - was_good
                rework[0] += (task.rework is True) - (was_rework is True)
                rework[2] += (task.rework is not None) - (was_rework is not None)
                yield Verdict(
                    subject="run",
                    subject_id=task.id,
                    at=found.at_ms,
                    success=task.success,
                    rework=task.rework,
                    source=SOURCE,
                )

    # --- the counts ----------------------------------------------------------------------------------------

    def _turned(self, found: FederationFile, cell: Cell) -> Iterator[Event]:
        """Runs whose result the file has changed: as many as fewer are counted on one side and more on the other."""
        known = self._cell(cell.agent, cell.task_type)
        more_good, more_bad = self._missing(cell)
        for success, count in ((False, min(-more_good, more_bad)), (True, min(more_good, -more_bad))):
            for _ in range(count):
                turned = _turn(known, good=success)
                if turned is not None:
                    run_id = _id(found, cell.agent, cell.task_type, *turned)
                    yield Verdict(subject="run", subject_id=run_id, at=found.at_ms, success=success, source=SOURCE)

    def _growth(self, cell: Cell, *, means: bool) -> _Growth:
        """The runs that a cell lacks. Where one side has fewer than before, the other grows by the difference only."""
        known = self._cell(cell.agent, cell.task_type)
        good, bad = self._missing(cell)
        net = good + bad
        self.gone += max(0, -net)
        if good < 0 or bad < 0:
            good, bad = (max(0, net), 0) if good > 0 else (0, max(0, net)) if bad > 0 else (0, 0)
        total = (cell.minutes or 0) * MINUTE_MS
        assumed = known.get("untimed", 0) * total / (cell.good + cell.bad) if means and total else 0
        left = total - known["seen"][2] - known["ms"] - assumed
        return _Growth(cell, good, bad, left / (good + bad) if good + bad and left > 0 else None)

    def _runs(self, found: FederationFile, agent: str, grown: list[_Growth]) -> Iterator[Event]:
        """The runs of an agent; those that had to be done again are looked for among the bad ones first."""
        told = found.reworked.get(agent)
        rework = self._reworked(agent)
        bad, good = sum(growth.bad for growth in grown), sum(growth.good for growth in grown)
        again = 0 if told is None else min(bad + good, max(0, told - sum(rework[:2])))
        reworked = {False: min(again, bad), True: again - min(again, bad)}
        checked = bad + good if told is not None else 0
        if agent in found.rework_known:
            checked = min(checked, max(again, found.rework_known[agent] - sum(rework[2:])))
        rework[1], rework[3] = rework[1] + again, rework[3] + checked
        fine = checked - again
        for growth in grown:
            known = self._cell(agent, growth.cell.task_type)
            for success, count in ((True, growth.good), (False, growth.bad)):
                first = known["good" if success else "bad"]
                for ordinal in range(first, first + count):
                    self.new += 1
                    redone = reworked[success] > 0
                    reworked[success] -= redone
                    is_known = redone or fine > 0
                    fine -= is_known and not redone
                    yield Run(
                        id=_id(found, agent, growth.cell.task_type, success, ordinal), agent=agent, success=success,
                        task_type=growth.cell.task_type, at=found.at_ms, duration_ms=growth.each_ms, source=SOURCE,
                        rework=redone if is_known else None,
                    )  # fmt: skip
                known["good" if success else "bad"] += count
                known["ms"] += round(count * (growth.each_ms or 0))

    def _missing(self, cell: Cell) -> tuple[int, int]:
        """How many more good and bad tasks the file counts than were made or seen; negative: fewer."""
        known = self._cell(cell.agent, cell.task_type)
        turned = len(known["turned"][0]) - len(known["turned"][1])
        good = known["seen"][0] + known["good"] - turned
        bad = known["seen"][1] + known["bad"] + turned
        return cell.good - good, cell.bad - bad

    def _reworked(self, agent: str) -> list[int]:
        """Tasks that had to be done again, seen one by one and made; and those of which it was known, seen and made."""
        found = self._rework.setdefault(agent, [0, 0])
        found += [0] * (4 - len(found))
        return found

    def _cell(self, agent: str, task_type: str) -> Made:
        return self._cells.setdefault(f"{agent}\x1f{task_type}", _nothing())


def _turn(known: Made, *, good: bool) -> tuple[bool, int] | None:
    """Turn one run of a cell round: whether it was made as good, and its ordinal. None when there is none to turn."""
    made_good, made_bad = known["turned"]
    back, forth, made = (made_good, made_bad, known["bad"]) if good else (made_bad, made_good, known["good"])
    if back:  # one that was turned the other way before goes back
        return good, back.pop()
    for ordinal in reversed(range(made)):
        if ordinal not in forth:
            forth.append(ordinal)
            return not good, ordinal
    return None


def _run_of(task: Task) -> Run:
    return Run(
        id=task.id, agent=task.agent, task_type=task.task_type, at=task.at_ms, duration_ms=task.duration_ms,
        success=task.success, rework=task.rework, notes=task.notes, source=SOURCE,
    )  # fmt: skip


def _id(found: FederationFile, agent: str, task_type: str, success: bool, ordinal: int) -> str:
    return stable_id(found.start_ms, SOURCE, found.identity, agent, task_type, success, ordinal)


def _first_missing(recorded: Callable[[str], bool], run_id: Callable[[int], str]) -> int:
    """How many ordinals from 0 on are recorded; they have no gaps."""
    low, high = 0, 1
    while recorded(run_id(high - 1)):
        low, high = high, high * 2
    while low < high - 1:
        middle = (low + high - 1) // 2
        if recorded(run_id(middle)):
            low = middle + 1
        else:
            high = middle + 1
    return low

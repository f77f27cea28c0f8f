"""Grades given in this pane: recorded off the UI thread, one after the other, and taken back in turn.

`u` takes back what was done last. A plan that was applied here in between comes first: its own undo asks a question.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fedstore import FedstoreError
from fedtop.sanitize import clean
from fedtop.views.subject import Subject

if TYPE_CHECKING:
    from textual.worker import WorkType

    from fedstore import GivenGrade, Grade, Store
    from fedtop.views.panel import AnyPanel, Host

__all__ = ["Described", "Marking", "describe"]

_KEPT = 200
"""So many grades of one sitting can be taken back."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the line of a grade says of its subject, and which agents could be named."""

    words: str
    agents: tuple[str, ...] = ()


def describe(source: Store, subject: Subject) -> Described:
    """What it is and what was said of it; reads the store. Raises FedstoreError."""
    from fedstore import Grades

    reader, given = source.reader(), Grades(source).verdict(subject.kind, subject.id)
    verdict = f"your verdict: {given}" if given else ""
    if subject.kind == "run":
        run = reader.run(subject.id)
        return Described(_joined(subject.words, *(() if run is None else (run.agent, run.task_type)), verdict))
    found = reader.why(subject.id)
    if found is None:
        return Described(subject.words)
    decision = found.decision
    proposed = [decision.agent, *(step.agent for step in found.steps), *reader.names("agent")]
    sent = f"sent to {decision.agent} by {decision.layer}"
    words = _joined(subject.words, sent, verdict, decision.description or decision.task_id)
    return Described(words, tuple(name for name in dict.fromkeys(proposed) if name))


def _joined(*parts: str) -> str:
    return ", ".join(clean(part, 120) for part in parts if part)


class Marking:
    """See the module. What is done `quietly` is told by a line on the screen, so that no notice need."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._one_at_a_time = asyncio.Lock()
        self._under_way = 0
        self._done: list[GivenGrade | Subject | None] = []
        """The newest last: a grade, what was left out, None for a plan that was applied."""
        self.latest = ""
        """What was done last, in words."""

    @property
    def can_undo(self) -> bool:
        """Whether the last thing done here was a grade, or something left out."""
        return bool(self._under_way) or (bool(self._done) and self._done[-1] is not None)

    def note_change(self) -> None:
        """A plan was applied in this pane: that is the last thing done now."""
        self._done.append(None)

    def give(self, panel: AnyPanel, grade: Grade, *, quietly: bool = False) -> None:
        """Records a grade."""
        self._under_way += 1
        self._run(partial(self._give, panel, grade, quietly))

    def skip(self, panel: AnyPanel, subject: Subject) -> None:
        """Leaves a subject out."""
        panel.leave_out(subject)
        self._done.append(subject)
        self._tell(f"Left out {subject.words}", quietly=True)

    def undo(self, panel: AnyPanel | None, *, quietly: bool = False) -> None:
        """Takes the last one back."""
        self._run(partial(self._undo, panel, quietly))

    def _run(self, work: WorkType[None]) -> None:
        self._host.run_worker(work, group="marking")

    async def _give(self, panel: AnyPanel, grade: Grade, quietly: bool) -> None:
        from fedstore import Grades

        subject = Subject.of(grade)
        async with self._one_at_a_time:
            try:
                given = await asyncio.to_thread(Grades(self._host.source).give, grade)
            except (FedstoreError, OSError) as error:
                self._fail(error)
            else:
                self._done = [*self._done, given][-_KEPT:]
                was = f" (was {given.was})" if given.was else ""
                self._tell(f"Graded {subject.words}: {given.grade.words}{was}", quietly=quietly)
            self._under_way -= 1
        if panel.is_mounted:
            panel.graded(subject)

    async def _undo(self, panel: AnyPanel | None, quietly: bool) -> None:
        async with self._one_at_a_time:
            done = self._done.pop() if self.can_undo else None
            if done is None:
                return
            subject = done if isinstance(done, Subject) else Subject.of(done.grade)
            if isinstance(done, Subject):
                self._tell(f"Took {subject.words} in again", quietly=quietly)
            else:
                await self._take_back(done, subject, quietly)
        if panel is not None and panel.is_mounted:
            panel.leave_out(subject, back=True)
            panel.graded(subject)

    async def _take_back(self, given: GivenGrade, subject: Subject, quietly: bool) -> None:
        from fedstore import Grades

        try:
            await asyncio.to_thread(Grades(self._host.source).take_back, given)
        except (FedstoreError, OSError) as error:
            self._fail(error)
            return
        now = f"your verdict is {given.was} again" if given.was else "you have said nothing of it"
        self._tell(f"Took back {given.grade.words} on {subject.words}: {now}", quietly=quietly)

    def _tell(self, words: str, *, quietly: bool) -> None:
        self.latest = clean(words, 300)
        if not quietly:
            self._host.notify(self.latest, timeout=4, markup=False)
        self._host.marked()

    def _fail(self, error: Exception) -> None:
        self.latest = clean(error, 300) or type(error).__name__
        self._host.notify(self.latest, severity="error", markup=False)
        self._host.marked()

"""What a person says of a run or a decision: recorded as a verdict of the judge `grade`, and taken back exactly.

A judge has one word on a subject at a time: what is said anew takes back what was said before. A run is right, has to
be done again (rework) or is wrong; a decision is right, wrong, or should have gone to another agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Literal

from fedstore.errors import FedstoreError
from fedstore.facts.judging import GRADE, NEWEST_FIRST, SAID_BY, judge_of, standing
from fedstore.ids import FUTURE_SLACK_MS, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.engine.protocol import Row
    from fedstore.store import Store

__all__ = ["GivenGrade", "Grade", "Grades", "Said", "SubjectKind"]

SubjectKind = Literal["run", "route"]
Said = Literal["right", "rework", "wrong", "agent", "clear"]
_COLUMNS: Mapping[SubjectKind, tuple[str, ...]] = {
    "run": ("success", "rework", "quality", "qa"),
    "route": ("correct", "correct_agent", "completed", "quality", "completion_ms"),
}
"""What a verdict can say, by what it speaks of."""
_WORDS: Mapping[str, Said] = {"right": "right", "rework": "rework", "wrong": "wrong", "clear": "clear"}
_TRUTHS = frozenset({"success", "rework", "correct", "completed"})
_OF_A_RUN: Mapping[Said, Mapping[str, bool]] = {
    "right": {"success": True, "rework": False},
    "rework": {"success": True, "rework": True},
    "wrong": {"success": False},
}


@dataclass(frozen=True, slots=True)
class Grade:
    """What is said of a run or a decision, by `kind` and `id`; `agent` is the right one's name where `said` asks it."""

    kind: SubjectKind
    id: str
    said: Said
    agent: str = ""

    @classmethod
    def of(cls, kind: SubjectKind, subject_id: str, word: str) -> Grade:
        """What a word says: right, rework, wrong, clear, or the name of the agent that should have got it."""
        said = _WORDS.get(word)
        return cls(kind, subject_id, "agent", word) if said is None else cls(kind, subject_id, said)

    @property
    def words(self) -> str:
        """`right`, `rework`, `wrong, right would be kimi`, `no verdict`."""
        if self.said == "agent":
            return f"wrong, right would be {self.agent}"
        return "no verdict" if self.said == "clear" else self.said


@dataclass(frozen=True, slots=True)
class GivenGrade:
    """A grade as it was recorded: what this judge's verdicts said before and after it, the newest first.

    Of each the columns of its kind.
    """

    grade: Grade
    before: tuple[Row, ...]
    after: tuple[Row, ...]

    @property
    def was(self) -> str:
        """The former verdict of this judge in words; empty for none."""
        return _words(self.grade.kind, self.before)


class Grades:
    """Gives grades and takes them back. Every call raises FedstoreError with one clear line."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def give(self, grade: Grade) -> GivenGrade:
        """Record a grade. What is not in the store, what cannot be said of it, and a clear of nothing are refused."""
        agent = self._agent_of(grade)
        said = _said(grade, agent)
        newest_ms, before = self._own(grade)
        if grade.said == "clear" and not before:
            raise FedstoreError(f"there is no verdict of yours on {_CALLED[grade.kind]} {grade.id}: nothing to clear")
        if grade.said == "agent" and grade.agent == agent:
            grade = Grade(grade.kind, grade.id, "right")
        events = [] if said is None else [said]
        if before:
            events.insert(0, {"clear": True})
        self._write(grade, newest_ms, events)
        return GivenGrade(grade, before, self._own(grade)[1])

    def take_back(self, given: GivenGrade) -> None:
        """Bring back what this judge had said before. Refused when it said something else since."""
        grade = given.grade
        newest_ms, now = self._own(grade)
        if now != given.after:
            said = _words(grade.kind, now) or "nothing"
            raise FedstoreError(f"{_CALLED[grade.kind]} {grade.id} was graded again since ({said}): nothing was undone")
        former = [_event(grade.kind, row) for row in reversed(given.before)]
        self._write(grade, newest_ms, [{"clear": True}, *former] if now else former)

    def verdict(self, kind: SubjectKind, subject_id: str) -> str:
        """What this judge says of a subject, in words; empty for nothing."""
        return _words(kind, self._own(Grade(kind, subject_id, "clear"))[1])

    def _agent_of(self, grade: Grade) -> str:
        table = {"run": "runs", "route": "routes"}[grade.kind]
        rows = self._store.database.read(f"SELECT agent FROM {table} WHERE id = ?", (grade.id,))
        if not rows:
            raise FedstoreError(f"there is no {_CALLED[grade.kind]} {grade.id} in this store (any more)")
        return str(rows[0][0])

    def _own(self, grade: Grade) -> tuple[int, tuple[Row, ...]]:
        """The time of this judge's newest verdict on a subject (0 for none), and those that stand, newest first."""
        columns = _COLUMNS[grade.kind]
        rows = self._store.database.read(
            f"SELECT at_ms, {', '.join(columns)}, {SAID_BY} FROM verdicts"
            f" WHERE subject_kind = ? AND subject_id = ? {NEWEST_FIRST}",
            (grade.kind, grade.id),
        )
        own = [row for row in rows if judge_of(row[-1]) == GRADE]
        return int(own[0][0]) if own else 0, tuple(row[1:] for row in standing(own))

    def _write(self, grade: Grade, newest_ms: int, events: Sequence[Mapping[str, object]]) -> None:
        """Record verdicts one millisecond after the other, all after the newest one."""
        about = {"kind": "verdict", "subject": grade.kind, "subject_id": grade.id}
        times = self._times(newest_ms)
        made = [{**about, "id": new_id(at), "at": at, **event} for event, at in zip(events, times, strict=False)]
        receipt = self._store.writer(source=GRADE).write(made)
        if receipt.rejected:
            raise FedstoreError(f"not graded: {receipt.rejected[0][1]}")

    def _times(self, newest_ms: int) -> Iterator[int]:
        """From now on, but after what was said before: two grades in one millisecond have an order, too."""
        now = self._store.clock()
        return count(max(now, newest_ms + 1) if newest_ms < now + FUTURE_SLACK_MS - 1_000 else now)


_CALLED: Mapping[SubjectKind, str] = {"run": "run", "route": "decision"}


def _said(grade: Grade, agent: str) -> Mapping[str, object] | None:
    """The fields of a verdict that says so; None for a clear. Raises FedstoreError for what cannot be said."""
    if grade.said == "clear":
        return None
    if grade.kind == "run":
        found = _OF_A_RUN.get(grade.said)
        if found is None:
            raise FedstoreError("a run is right, rework or wrong: another agent can be named for a decision only")
        return found
    if grade.said == "rework":
        raise FedstoreError("a decision is right or wrong, or names another agent: rework is said of a run")
    if grade.said == "agent" and not grade.agent:
        raise FedstoreError("name the agent that should have got it")
    right = grade.agent or (agent if grade.said == "right" else "")
    correct = grade.said == "right" or (grade.said == "agent" and right == agent)
    return {"correct": correct, **({"correct_agent": right} if right else {})}


def _event(kind: SubjectKind, row: Row) -> Mapping[str, object]:
    """A verdict that says what a row said."""
    said = {name: value for name, value in zip(_COLUMNS[kind], row, strict=True) if value is not None}
    return {name: bool(value) if name in _TRUTHS else value for name, value in said.items()}


def _words(kind: SubjectKind, rows: Sequence[Row]) -> str:
    """What verdicts say together, the newest first."""
    said: dict[str, object] = {}
    for row in rows:
        said = {**_event(kind, row), **said}
    if kind == "run":
        return "rework" if said.get("rework") else _RIGHT.get(said.get("success"), "")
    word, named = _RIGHT.get(said.get("correct"), ""), said.get("correct_agent")
    return f"{word}, right would be {named}" if word == "wrong" and named else word


_RIGHT: Mapping[object, str] = {True: "right", False: "wrong"}

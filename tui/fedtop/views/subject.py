"""What can be graded: a run that ended, or a routing decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fedtop.sanitize import clean

if TYPE_CHECKING:
    from fedstore import Grade

__all__ = ["Subject", "SubjectKind"]

SubjectKind: TypeAlias = Literal["run", "route"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A run or a decision, by its id."""

    kind: SubjectKind
    id: str

    @classmethod
    def of(cls, grade: Grade) -> Subject:
        """What a grade is of."""
        return cls(grade.kind, grade.id)

    @property
    def words(self) -> str:
        """`run claude:130d7b7e`, `decision route-5`."""
        return f"{'run' if self.kind == 'run' else 'decision'} {clean(self.id, 40)}"

"""Verdicts: what was learnt later about a run or a route."""

from __future__ import annotations

from fedstore.errors import EventError
from fedstore.facts.judging import VERDICTS, judge_of
from fedstore.facts.kind import BIT, Kind, whole
from fedstore.ids import stable_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row
    from fedstore.facts.kind import Fields, Stamp, Writing

__all__ = ["VERDICT"]


def _face() -> type[BaseModel]:
    from fedstore.facts.events import Verdict

    return Verdict


def _check(d: Fields) -> None:
    of_runs = (d["success"], d["rework"], d["qa"])
    of_routes = (d["correct"], d["correct_agent"], d["completed"], d["completion_ms"])
    if d["subject"] == "run" and any(value is not None for value in of_routes):
        raise EventError("a run takes success, rework, quality and qa; the rest judges a route")
    if d["subject"] == "route" and any(value is not None for value in of_runs):
        raise EventError("a route takes correct, correct_agent, completed, quality and completion_ms")
    nothing = all(value is None for value in (*of_runs, *of_routes, d["quality"]))
    if d["clear"] and not nothing:
        raise EventError("clear takes back what was said before: say nothing else with it")
    if nothing and not d["clear"]:
        raise EventError("a verdict must judge something")


def _row(d: Fields, at: int, stamp: Stamp) -> Row:
    """Its id follows from what it says, so that saying it twice counts once; a clear is of one judge alone."""
    said = (
        BIT[d["success"]], BIT[d["rework"]], d["quality"], d["qa"], BIT[d["correct"]], d["correct_agent"],
        BIT[d["completed"]], whole(d["completion_ms"]),
    )  # fmt: skip
    source = d["source"] or stamp.source
    clear = BIT[d["clear"] or None]
    made = stable_id(at, *said) if clear is None else stable_id(at, "clear", judge_of(source))
    return (
        d["subject"], d["subject_id"], d["id"] or made, at, *said, source, stamp.recorded_ms, clear,
    )  # fmt: skip


def _write(writing: Writing, rows: list[Row], _: Sequence[str]) -> int:
    taken = VERDICTS.insert(writing.tx, rows)
    for kind, subject_id in dict.fromkeys(row[:2] for row in rows):
        writing.judges[kind](writing.tx, subject_id, writing.deltas)
    return taken


VERDICT = Kind("verdict", face=_face, table=VERDICTS, row=_row, check=_check, write=_write, self_named=True)

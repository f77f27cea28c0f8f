"""Late verdicts: what a fact counts as follows the newest verdict that speaks of each of its judged columns.

Runs in the recorder's transaction. The fact's row is updated and the difference goes to the bucket of the fact
itself, whenever the verdict came; a verdict that came before its fact waits in ``verdicts`` for it.
"""

from __future__ import annotations

from fedstore.facts.summaries import route_judgement, run_judgement
from fedstore.facts.writes import consistent, proposal_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fedstore.facts.summaries import Deltas, Writer

__all__ = ["judge_route", "judge_run", "subjects_with_verdicts"]

_RUN = "SELECT agent, task_type, project, ended_ms, success, rework, quality, qa FROM runs WHERE id = ?"
_RUN_VERDICTS = (
    "SELECT success, rework, quality, qa FROM verdicts WHERE subject_kind = 'run' AND subject_id = ?"
    " ORDER BY at_ms DESC, id DESC"
)
_RUN_UPDATE = "UPDATE runs SET success = ?, rework = ?, quality = ?, qa = ? WHERE id = ?"
_ROUTE = (
    "SELECT agent, layer, at_ms, correct, correct_agent, completed, quality, completion_ms FROM routes WHERE id = ?"
)
_ROUTE_VERDICTS = (
    "SELECT correct, correct_agent, completed, quality, completion_ms FROM verdicts"
    " WHERE subject_kind = 'route' AND subject_id = ? ORDER BY at_ms DESC, id DESC"
)
_ROUTE_UPDATE = (
    "UPDATE routes SET correct = ?, correct_agent = ?, completed = ?, quality = ?, completion_ms = ? WHERE id = ?"
)
_ATTEMPTS = "SELECT layer, agent, accepted, confidence FROM route_attempts WHERE route_id = ? AND shadow = 0"
_CHUNK = 400


def subjects_with_verdicts(tx: Writer, kind: str, ids: Sequence[str]) -> set[str]:
    """Which of some new facts were judged before they were recorded."""
    found: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT DISTINCT subject_id FROM verdicts WHERE subject_kind = ? AND subject_id IN ({marks})"
        found.update(row[0] for row in tx.execute(sql, (kind, *some)))
    return found


def _newest(verdicts: list[tuple[Any, ...]], present: Sequence[Any]) -> tuple[Any, ...]:
    """Per column, the newest verdict that speaks of it, else what stands at present."""
    return tuple(
        next((row[column] for row in verdicts if row[column] is not None), value)
        for column, value in enumerate(present)
    )


def _right_agent(agent: str, verdicts: list[tuple[Any, ...]], present: Sequence[Any]) -> tuple[int | None, str | None]:
    """``correct`` as the newest verdict about it says; who would have been right, as the newest that agrees says."""
    said = [consistent(agent, *verdict[:2]) for verdict in verdicts]
    correct = next((right for right, _ in said if right is not None), present[0])
    named = next((name for right, name in said if name is not None and right == correct), None)
    return correct, named if said else present[1]


def judge_run(tx: Writer, run_id: str, deltas: Deltas) -> bool:
    """Bring one run in line with its verdicts; whether that changed it. Nothing when it is not (or no longer) there."""
    rows = tx.execute(_RUN, (run_id,))
    if not rows:
        return False
    agent, task_type, project, ended, *present = rows[0]
    new = _newest(tx.execute(_RUN_VERDICTS, (run_id,)), present)
    if new == tuple(present):
        return False
    tx.execute(_RUN_UPDATE, (*new, run_id))
    deltas.run_judged(ended, (agent, task_type, project), run_judgement(*present), run_judgement(*new))
    return True


def judge_route(tx: Writer, route_id: str, deltas: Deltas) -> bool:
    """Bring one route, and what its layers count as, in line with its verdicts; whether that changed it."""
    rows = tx.execute(_ROUTE, (route_id,))
    if not rows:
        return False
    agent, layer, at, *present = rows[0]
    verdicts = tx.execute(_ROUTE_VERDICTS, (route_id,))
    new = [*_right_agent(agent, verdicts, present), *_newest([v[2:] for v in verdicts], present[2:])]
    if new == present:
        return False
    tx.execute(_ROUTE_UPDATE, (*new, route_id))
    deltas.route_judged(at, layer, route_judgement(present[0], present[3]), route_judgement(new[0], new[3]))
    for name, proposed, accepted, confidence in tx.execute(_ATTEMPTS, (route_id,)):
        old_right = proposal_right(proposed, accepted, agent, present[0], present[1])
        new_right = proposal_right(proposed, accepted, agent, new[0], new[1])
        deltas.attempt_judged(at, name, confidence, old_right, new_right)
    return True

"""Routes: decisions of the routing cascade, with the layers that were asked and what became of them."""

from __future__ import annotations

from functools import partial

from fedstore.bins import CONFIDENCE_BINS, confidence_bin, duration_bins, once, pack_bins, read_bins
from fedstore.errors import EventError
from fedstore.facts.judging import VERDICTS, Judged, newest, subjects_with_verdicts
from fedstore.facts.kind import BIT, Kept, Kind, Sums, micros, whole
from fedstore.facts.summary import Summary, duration_part, share_part
from fedstore.facts.table import Table
from fedstore.facts.trail import pack
from fedstore.ids import new_id, stable_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from pydantic import BaseModel

    from fedstore.engine.protocol import Row, Tx
    from fedstore.facts.kind import Fields, Stamp, Writing
    from fedstore.facts.summary import Deltas

    Rows: TypeAlias = tuple[Row, list[Row], Row | None]
    """Of one decision: its row, still without its trail, those of its attempts, and that of its outcome."""

__all__ = ["ACCEPTED_KIND", "ASKED_KIND", "RIGHT_KIND", "ROUTE", "WRONG_KIND"]

_ROUTES = Table(
    "routes",
    "id", "task_id", "description?", "agent", "layer", "confidence?", "at_ms", "latency_us?", "correct?",
    "correct_agent?", "completed?", "quality?", "completion_ms?", "source", "recorded_ms", "trail",
)  # fmt: skip
_ATTEMPTS = Table(
    "route_attempts",
    "route_id", "position", "layer", "agent", "confidence?", "threshold?", "accepted", "shadow", "shadow_rate?",
    "error_class", "latency_us?",
)  # fmt: skip
_DECIDED = Summary(
    "route_buckets",
    keys=("layer",),
    sums=("routes", "latency_n", "latency_us", "graded", "correct", "quality_n", "quality_ppm"),
    bins=("latency_bins",),
)
_ASKED = Summary(
    "layer_buckets",
    keys=("layer",),
    sums=("attempts", "accepted", "errors", "confidence_n", "confidence_ppm", "latency_n", "latency_us"),
    bins=("latency_bins", "confidence_bins"),
    topics={"layer": "layer"},
)


def _asked_bins(
    confidence: float | None,
    accepted: int,
    proposed: str,
    selected: str,
    correct: int | None,
    correct_agent: str | None,
) -> tuple[int, ...]:
    """The bins of `confidence_bins` that an attempt on the live path falls into."""
    right = _proposal_right(proposed, accepted, selected, correct, correct_agent)
    return tuple(index for index, _ in read_bins(_confidence_bins(confidence, accepted, right)))


_OF_ATTEMPT = "route_attempts.confidence, accepted, route_attempts.agent, routes.agent, correct, correct_agent"
_SUMS = (
    Sums(
        _DECIDED, "routes", "at_ms",
        {
            "routes": "COUNT(*)", "latency_n": "COUNT(latency_us)", "latency_us": "SUM(latency_us)",
            "graded": "COUNT(correct)", "correct": "SUM(correct)", "quality_n": "COUNT(quality)",
        },
        shares={"quality_ppm": "quality"}, bins={"latency_bins": ("latency_us", duration_bins)},
    ),
    Sums(
        _ASKED, "route_attempts JOIN routes ON routes.id = route_attempts.route_id", "at_ms",
        {
            "attempts": "COUNT(*)", "accepted": "SUM(accepted)",
            "errors": "SUM(CASE WHEN error_class <> '' THEN 1 ELSE 0 END)",
            "confidence_n": "COUNT(route_attempts.confidence)", "latency_n": "COUNT(route_attempts.latency_us)",
            "latency_us": "SUM(route_attempts.latency_us)",
        },
        where="shadow = 0",
        shares={"confidence_ppm": "route_attempts.confidence"},
        bins={
            "latency_bins": ("route_attempts.latency_us", duration_bins), "confidence_bins": (_OF_ATTEMPT, _asked_bins),
        },
    ),
)  # fmt: skip
ASKED_KIND, ACCEPTED_KIND, RIGHT_KIND, WRONG_KIND = range(4)
"""The distribution of a layer's confidence holds four: bin `kind * CONFIDENCE_BINS + bin of the confidence`."""


def _face() -> type[BaseModel]:
    from fedstore.facts.events import Route

    return Route


def _check(d: Fields) -> None:
    attempts, decided, layers = d["attempts"], d["layer"], set()
    for attempt in attempts:
        layer = attempt["layer"]
        layers.add(layer)
        if attempt["accepted"] and layer != decided:
            raise EventError(f"layer is {decided!r} but {layer!r} accepted: only the one that decided may")
    if len(layers) < len(attempts):
        raise EventError("attempts names a layer twice: give each layer once, in cascade order")


# --- rows -----------------------------------------------------------------------------------------------------


def _rows(d: Fields, at: int, stamp: Stamp) -> Rows:
    route_id, agent, outcome, latency = (
        d["id"] or stamp.made_id or new_id(at),
        d["agent"],
        d["outcome"],
        d["latency_ms"],
    )
    attempts = [_attempt_row(route_id, position, fields) for position, fields in enumerate(d["attempts"])]
    source = d["source"] or stamp.source
    judged = _UNJUDGED if outcome is None else _outcome(agent, outcome)
    route = (
        route_id, d["task_id"], d["description"] if stamp.keep_content else None, agent, d["layer"], d["confidence"],
        at, micros(latency), *judged, source, stamp.recorded_ms,
    )  # fmt: skip
    if outcome is None:
        return route, attempts, None
    correct, correct_agent, completed, quality, completion = judged
    verdict = (
        "route", route_id, stable_id(0, *judged), at, None, None, quality, None, correct, correct_agent, completed,
        completion, source, stamp.recorded_ms, None,
    )  # fmt: skip
    return route, attempts, verdict


def _attempt_row(route_id: str, position: int, d: Fields) -> Row:
    latency = d["latency_ms"]
    return (
        route_id, position, d["layer"], d["agent"], d["confidence"], d["threshold"], BIT[d["accepted"]],
        BIT[d["shadow"]], d["shadow_rate"], d["error_class"], micros(latency),
    )  # fmt: skip


_UNJUDGED = (None,) * 5


def _outcome(agent: str, d: Fields) -> Row:
    correct, correct_agent = _consistent(agent, d["correct"], d["correct_agent"])
    return correct, correct_agent, BIT[d["completed"]], d["quality"], whole(d["completion_ms"])


def _consistent(agent: str, correct: bool | int | None, correct_agent: str | None) -> tuple[int | None, str | None]:
    """`correct` and `correct_agent` of a decision for `agent`, the one not contradicting the other.

    What `correct_agent` implies stands when `correct` is not said; where both are said, `correct` stands and
    an agent that contradicts it is dropped.
    """
    if correct is None:
        return (None, None) if correct_agent is None else (int(agent == correct_agent), correct_agent)
    agrees = correct_agent is None or (agent == correct_agent) == bool(correct)
    return int(correct), correct_agent if agrees else None


# --- writing --------------------------------------------------------------------------------------------------

_SEEN_LAYER = (
    "INSERT INTO layers (name, position, threshold, seen_ms, seen_id) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position, threshold = excluded.threshold,"
    " seen_ms = excluded.seen_ms, seen_id = excluded.seen_id"
    " WHERE (excluded.seen_ms, excluded.seen_id) > (layers.seen_ms, layers.seen_id)"
)


def _write(writing: Writing, rows: list[Rows], named: Sequence[str]) -> int:
    """The trail of a decision is packed here, because its codes are those of the store that it is written to."""
    tx, deltas = writing.tx, writing.deltas
    code = partial(_code, tx)
    routes = [(*route, pack(route[3], route[6], attempts, code)) for route, attempts, _ in rows]
    new = {row[0] for row in _ROUTES.insert_new(tx, routes, writing.now_ms, named)}
    early = subjects_with_verdicts(tx, "route", [route_id for route_id in named if route_id in new])
    fresh, sent_again = [], []
    for written in rows:
        if written[0][0] in new:
            new.discard(written[0][0])
            fresh.append(written)
        elif written[2] is not None:
            sent_again.append(written[2])
    _ATTEMPTS.insert(tx, [row for _, attempts, _ in fresh for row in attempts])
    VERDICTS.insert(tx, [verdict for _, _, verdict in fresh if verdict is not None])
    _count(tx, fresh, deltas)
    for route_id in early:
        _judge(tx, route_id, deltas)
    return len(fresh) + _judge_again(tx, sent_again, deltas)


def _code(tx: Tx, name: str) -> int:
    """The small integer of a name in packed trails; a new one is written in the same transaction."""
    code = tx.names.get(name)
    if code is None:
        tx.execute("INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        ((code,),) = tx.execute("SELECT code FROM names WHERE name = ?", (name,))
        tx.names[name] = code
    return int(code)


def _judge_again(tx: Tx, verdicts: list[Row], deltas: Deltas) -> int:
    """Take the outcomes of decisions that were sent again; how many decisions they changed."""
    VERDICTS.insert(tx, verdicts)
    return sum(_judge(tx, route_id, deltas) for route_id in {verdict[1] for verdict in verdicts})


# --- what a decision adds -------------------------------------------------------------------------------------


def _count(tx: Tx, fresh: Sequence[Rows], deltas: Deltas) -> None:
    """Add new decisions and their attempts to the summaries, and note the layers as the newest attempts show them."""
    layers: dict[str, Row] = {}
    for route, attempts, _ in fresh:
        _add(deltas, route)
        selected, at, correct, correct_agent = route[3], route[6], route[8], route[9]
        for row in attempts:
            _, position, layer, proposed, _, threshold, accepted, *_ = row
            _add_attempt(deltas, at, row, _proposal_right(proposed, accepted, selected, correct, correct_agent))
            seen = layers.get(layer)
            if seen is None or (at, route[0]) > seen[3:]:
                layers[layer] = (layer, position, threshold, at, route[0])
    tx.executemany(_SEEN_LAYER, layers.values())


def _add(deltas: Deltas, row: Row) -> None:
    layer, at, latency, correct, quality = row[4], row[6], row[7], row[8], row[11]
    known, total, bins = duration_part(latency)
    deltas.add(_DECIDED, at, (layer,), (1, known, total, *_judged_sums(correct, quality), bins))


def _add_attempt(deltas: Deltas, at_ms: int, row: Row, right: int | None) -> None:
    """An attempt of a probe is not on the live path, and not counted."""
    _, _, layer, _, confidence, _, accepted, shadow, _, error, latency = row
    if shadow:
        return
    asked = _confidence_bins(confidence, accepted, right)
    part = (1, accepted, 1 if error else 0, *share_part(confidence), *duration_part(latency), asked)
    deltas.add(_ASKED, at_ms, (layer,), part)


def _judged_sums(correct: int | None, quality: float | None) -> tuple[int, ...]:
    """graded, correct, quality_n, quality_ppm."""
    return (0 if correct is None else 1, 1 if correct == 1 else 0, *share_part(quality))


def _proposal_right(
    proposed: str, accepted: bool | int, selected: str, correct: bool | int | None, correct_agent: str | None
) -> int | None:
    """Whether a layer proposed the right agent: 1, 0, or None when the log cannot tell.

    A layer that fell through is right when it proposed the agent that turned out right, wrong when it proposed
    the one that turned out wrong; a third agent could be judged only if the right one is known.
    """
    if accepted:
        return None if correct is None else int(correct)
    if not proposed:
        return None
    if correct_agent is not None:
        return int(proposed == correct_agent)
    if correct:
        return int(proposed == selected)
    return 0 if correct is not None and proposed == selected else None


def _confidence_bins(confidence: float | None, accepted: int, right: int | None) -> bytearray:
    index = confidence_bin(confidence)
    if index is None:
        return _NO_BINS
    packed = once(ASKED_KIND * CONFIDENCE_BINS + index)
    if accepted:
        packed = packed + once(ACCEPTED_KIND * CONFIDENCE_BINS + index)
    return packed if right is None else packed + once(_right_bin(right, index))


_NO_BINS = bytearray()


def _right_bin(right: int, index: int) -> int:
    return (RIGHT_KIND if right else WRONG_KIND) * CONFIDENCE_BINS + index


# --- what became of it ----------------------------------------------------------------------------------------

_JUDGED = Judged(
    "route", _ROUTES, about=("agent", "layer", "at_ms"),
    columns=("correct", "correct_agent", "completed", "quality", "completion_ms"),
)  # fmt: skip
_LIVE_ATTEMPTS = "SELECT layer, agent, accepted, confidence FROM route_attempts WHERE route_id = ? AND shadow = 0"


def _judge(tx: Tx, route_id: str, deltas: Deltas) -> bool:
    """Brings what its layers count as in line, too."""
    found = _JUDGED.read(tx, route_id)
    if found is None:
        return False
    (agent, layer, at), present = found.about, found.present
    judgement = (*_right_agent(agent, found.said, found.own), *newest([row[2:] for row in found.said], found.own[2:]))
    if judgement == present:
        return False
    _JUDGED.update(tx, route_id, found, judgement)
    (was, was_named, _, was_quality, _), (correct, named, _, quality, _) = present, judgement
    change = (b - a for a, b in zip(_judged_sums(was, was_quality), _judged_sums(correct, quality), strict=True))
    deltas.add(_DECIDED, at, (layer,), (0, 0, 0, *change, b""))
    for name, proposed, accepted, confidence in tx.execute(_LIVE_ATTEMPTS, (route_id,)):
        old = _proposal_right(proposed, accepted, agent, was, was_named)
        new = _proposal_right(proposed, accepted, agent, correct, named)
        _judge_attempt(deltas, at, name, confidence, old, new)
    return True


def _right_agent(agent: str, verdicts: Sequence[Row], own: Row) -> tuple[int | None, str | None]:
    """`correct` as the newest verdict about it says; who would have been right, as the newest that agrees says."""
    said = [_consistent(agent, *verdict[:2]) for verdict in verdicts]
    correct = next((right for right, _ in said if right is not None), own[0])
    named = next((name for right, name in said if name is not None and right == correct), None)
    return correct, named if said else own[1]


def _judge_attempt(
    deltas: Deltas, at_ms: int, layer: str, confidence: float | None, old: int | None, new: int | None
) -> None:
    """A live attempt that turned out right (1), wrong (0) or unknown (None)."""
    index = confidence_bin(confidence)
    if index is None or old == new:
        return
    change = {}
    for verdict, sign in ((old, -1), (new, 1)):
        if verdict is not None:
            change[_right_bin(verdict, index)] = sign
    deltas.add(_ASKED, at_ms, (layer,), (0, 0, 0, 0, 0, 0, 0, b"", pack_bins(change)))


ROUTE = Kind(
    "route",
    face=_face,
    table=_ROUTES,
    row=_rows,
    check=_check,
    write=_write,
    summaries=(_DECIDED, _ASKED),
    sums=_SUMS,
    judge=_judge,
    parts={"route_attempts": "route_id"},
    kept=Kept("retention_routes_days"),
)

"""The summaries computed again from the events themselves, without the store's code: the tests' second opinion."""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
Sums = dict[tuple[Any, ...], list[Any]]


def _stands(verdict: dict[str, Any], verdicts: list[dict[str, Any]]) -> bool:
    """Whether no clear of the same judge came after a verdict that says something."""

    def judge(v: dict[str, Any]) -> str:
        return {"label": "grade", "fedtop": "grade"}.get(v.get("source", ""), v.get("source", ""))

    later = (v for v in verdicts if v.get("clear") and judge(v) == judge(verdict))
    return not verdict.get("clear") and all((v["at"], v["id"]) < (verdict["at"], verdict["id"]) for v in later)


def _newest(verdicts: list[dict[str, Any]], field: str, stands: Any) -> Any:
    said = [v for v in verdicts if v.get(field) is not None]
    return max(said, key=lambda v: (v["at"], v["id"]))[field] if said else stands


def _us(ms: float | None) -> int | None:
    return None if ms is None else round(ms * 1000)


def _bins(*values: float | None) -> dict[int, int]:
    """Bins of microseconds whose edges are powers of 1.04."""
    return {math.floor(math.log(us, 1.04) + 1e-12) if us >= 1 else -1: 1 for us in values if us is not None}


def _add(table: Sums, key: tuple[Any, ...], sums: Iterable[int], *bins: dict[int, int]) -> None:
    row = table.setdefault(key, [[0] * len(list(sums := list(sums))), *({} for _ in bins)])
    row[0] = [a + b for a, b in zip(row[0], sums, strict=True)]
    for into, counts in zip(row[1:], bins, strict=True):
        for index, count in counts.items():
            into[index] = into.get(index, 0) + count


def recount(events: Iterable[dict[str, Any]]) -> dict[str, Sums]:
    """Minute buckets per table: (start, *keys) -> [sums, bins …], from distinct facts and all verdicts."""
    facts: dict[tuple[str, str], dict[str, Any]] = {}
    verdicts: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for event in events:
        if event["kind"] == "verdict":
            verdicts[event["subject"], event["subject_id"]][event["id"]] = event
        else:
            facts.setdefault((event["kind"], event["id"]), event)
    tables: dict[str, Sums] = {name: {} for name in ("agent", "error", "spend", "tool", "route", "layer")}
    for (kind, identity), event in facts.items():
        said = list(verdicts[kind, identity].values())
        judged = [v for v in said if _stands(v, said)]
        {"run": _run, "usage": _usage, "execution": _execution, "route": _route}[kind](tables, event, judged)
    return tables


def _run(tables: dict[str, Sums], e: dict[str, Any], verdicts: list[dict[str, Any]]) -> None:
    success, rework, quality, qa = (
        _newest(verdicts, field, e.get(field)) for field in ("success", "rework", "quality", "qa")
    )
    ok = bool(success) and not rework
    duration = e.get("duration_ms")
    sums = [
        1, ok, success is not None and not ok, bool(rework), rework is not None, duration is not None,
        _us(duration) or 0, quality is not None, round((quality or 0) * 1e6),
        *(qa == name for name in ("passed", "warning", "failed", "error")),
    ]  # fmt: skip
    key = (e["at"] // MINUTE * MINUTE, e["agent"], e.get("task_type", ""), e.get("project", ""))
    _add(tables["agent"], key, sums, _bins(_us(duration)))
    if e.get("error_class"):
        _add(tables["error"], (*key[:3], e["error_class"]), [1, success is not None and not ok, success is None])


def _usage(tables: dict[str, Sums], e: dict[str, Any], _: list[dict[str, Any]]) -> None:
    known = e.get("cost_usd") is not None
    cost = round(e["cost_usd"] * 1e9) if known else 0
    used = e["input_tokens"] + e["output_tokens"]
    key = (e["at"] // MINUTE * MINUTE, e["agent"], e.get("model", ""), "", e.get("task_type", ""), "chat")
    sums = [
        1,
        0,
        e["input_tokens"],
        0,
        0,
        e["output_tokens"],
        0,
        1 if e.get("output_is_minimum") else 0,
        0,
        0,
        cost,
        0,
        not known,
        0 if known else used,
        0,
        0,
    ]
    _add(tables["spend"], key, sums)


def _execution(tables: dict[str, Sums], e: dict[str, Any], _: list[dict[str, Any]]) -> None:
    minute = e["at"] // MINUTE * MINUTE
    success, duration, cost = e.get("success"), e.get("duration_ms"), e.get("cost_usd")
    nano = 0 if cost is None else round(cost * 1e9)
    sums = [
        1, success is True, success is False, duration is not None, _us(duration) or 0, cost is not None, nano, 0,
        *(e.get("effort") == level for level in ("LOW", "MEDIUM", "HIGH")), e.get("browser_used") is True,
    ]  # fmt: skip
    key = (minute, e["tool"], e["agent"], "" if e.get("run_id") else e.get("task_type", ""))
    _add(tables["tool"], key, sums, _bins(_us(duration)))
    if cost is not None:
        spent = [1, success is False, 0, 0, 0, 0, 0, 0, 0, 0, nano, 0, 0, 0, 0, 0]
        _add(tables["spend"], (minute, e["agent"], "", "", e.get("task_type", ""), f"tool {e['tool']}"), spent)


def _route(tables: dict[str, Sums], e: dict[str, Any], verdicts: list[dict[str, Any]]) -> None:
    outcome = [{**e["outcome"], "at": e["at"], "id": ""}] if e.get("outcome") else []
    said = []
    for v in verdicts + outcome:
        correct, named = v.get("correct"), v.get("correct_agent")
        if correct is None and named is not None:
            correct = named == e["agent"]
        elif named is not None and (named == e["agent"]) != correct:
            named = None
        said.append({"at": v["at"], "id": v["id"], "correct": correct, "named": named})
    correct = _newest(said, "correct", None)
    named = _newest([v for v in said if v["correct"] == correct], "named", None)
    quality = _newest(verdicts + outcome, "quality", None)
    minute = e["at"] // MINUTE * MINUTE
    us = _us(e.get("latency_ms"))
    graded = [correct is not None, correct is True, quality is not None, round((quality or 0) * 1e6)]
    sums = [1, us is not None, us or 0, *graded]
    _add(tables["route"], (minute, e["layer"]), sums, _bins(us))
    for attempt in e["attempts"]:
        _attempt(tables["layer"], minute, e["agent"], attempt, correct, named)


def _attempt(
    table: Sums, minute: int, selected: str, a: dict[str, Any], correct: bool | None, named: str | None
) -> None:
    if a.get("shadow"):
        return
    accepted, confidence, proposed = bool(a.get("accepted")), a.get("confidence"), a.get("agent", "")
    right: bool | None = None
    if accepted:
        right = correct
    elif proposed and named is not None:
        right = proposed == named
    elif proposed and correct is not None and (correct or proposed == selected):
        right = correct and proposed == selected
    shown = {}
    if confidence is not None:
        shown = {kind * 40 + min(int(confidence * 40), 39): 1 for kind, counts in
                 ((0, True), (1, accepted), (2, right is True), (3, right is False)) if counts}  # fmt: skip
    sums = [1, accepted, bool(a.get("error_class")), confidence is not None, round((confidence or 0) * 1e6), 0, 0]
    _add(table, (minute, a["layer"]), sums, {}, shown)


def widened(minutes: Sums, width: int, before: int) -> Sums:
    """The buckets of ``width`` that the minutes before a mark make up."""
    wide: Sums = {}
    for (start, *keys), (sums, *bins) in minutes.items():
        if start < before:
            _add(wide, (start // width * width, *keys), sums, *bins)
    return wide


def unpacked(row: tuple[Any, ...], keys: int, bins: int) -> tuple[tuple[Any, ...], list[Any]]:
    """A summary row (start, keys, sums, bins) as ``recount`` gives it."""
    end = len(row) - bins
    blobs = [dict(struct.iter_unpack("<ii", blob)) for blob in row[end:]]
    return tuple(row[: keys + 1]), [list(row[keys + 1 : end]), *blobs]

"""What one call of a Codex session used, out of counters that are written more than once and do not only grow.

A `token_count` tells the session's totals and what the last call used. It is written again without a call, the totals
shrink when the context is compacted or carry on a parent's, and a file may begin in the middle. So totals that did not
move are no call; where they grew by what the last call used, that is it; where they say something else, the last call's
own numbers count. A `token_usage_record` tells one call by itself; the `token_count` after it tells that call again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypeAlias, TypedDict

from fedstore.ingest.values import count_of

if TYPE_CHECKING:
    from fedstore.json_value import JsonObject

__all__ = ["Counters", "Tokens", "call_of_count", "call_of_record", "copied_count", "no_counters", "usage_of"]

Tokens: TypeAlias = dict[str, int]
"""Counts by the names that Codex gives them; input includes the cache, output includes reasoning."""


class Counters(TypedDict):
    """What is known of a session's counters; JSON, as it is part of the reader's state."""

    totals: Tokens
    """The last ones seen."""
    prior: Tokens | None
    """Those before the last record."""
    recorded: bool
    """Whether a record waits for its count."""
    counted: bool
    """Whether a call was counted."""
    apart: bool
    """Whether totals and last call were seen to differ."""
    last: NotRequired[Tokens]
    """What the last call used, where nobody told totals."""


_FIELDS = (
    "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
_TOLD = frozenset(_FIELDS)


def no_counters() -> Counters:
    """The counters of a session before its first call."""
    return {
        "totals": dict.fromkeys(_FIELDS, 0), "prior": None, "recorded": False, "counted": False, "apart": False,
    }  # fmt: skip


def usage_of(told: object, where: str) -> Tokens | None:
    """Counts as a line tells them; None where it tells none. Raises EventError."""
    if not isinstance(told, dict) or not _TOLD & told.keys():
        return None
    return {name: count_of(told, name, where) for name in _FIELDS}


def copied_count(counters: Counters, totals: Tokens | None, last: Tokens | None = None) -> None:
    """Take a copied line's totals as those of before; it tells of no call."""
    if totals is not None:
        counters["totals"] = totals
        counters["apart"] = counters["apart"] or (last is not None and not _same(totals, last))


def call_of_record(counters: Counters, payload: JsonObject) -> Tokens | None:
    """What the call of a `token_usage_record` used; None when its count was taken already. Raises EventError."""
    used = usage_of(payload.get("usage"), "usage")
    if used is None:
        return None
    before = counters["totals"]
    totals = usage_of(payload.get("thread_token_usage"), "thread_token_usage") or _added(before, used)
    if totals == before and counters["counted"]:
        return None
    counters.update({"totals": totals, "prior": before, "recorded": True, "counted": True})
    return used if any(used.values()) else None


def call_of_count(counters: Counters, totals: Tokens | None, last: Tokens | None) -> Tokens | None:
    """What the call of a `token_count` used; None when it tells of no new call."""
    if totals is None:
        return _of_last(counters, last)
    if counters["recorded"]:
        if totals != counters["prior"]:  # else told again from before the record
            counters.update({"totals": totals, "recorded": False})
        return None
    before = counters["totals"]
    if totals == before:
        return None
    if last is None:
        return _by_growth(counters, before, totals)
    counters["apart"] = counters["apart"] or not _same(totals, last)
    counters["totals"] = totals
    grown = {name: totals[name] - before[name] for name in _FIELDS}
    repeats = _same(totals, last) and any(before.values()) and not counters["apart"]
    fits = _same(grown, last) or (repeats and min(grown.values()) >= 0)  # some write the totals as the last call
    return _counted(counters, grown if fits and min(grown.values()) >= 0 else last)


def _of_last(counters: Counters, last: Tokens | None) -> Tokens | None:
    """A count without totals: told twice it is one call."""
    if last is None or last == counters.get("last"):
        return None
    counters["last"] = last
    counters["totals"] = _added(counters["totals"], last)
    return _counted(counters, last)


def _by_growth(counters: Counters, before: Tokens, totals: Tokens) -> Tokens | None:
    """A count without the last call: its growth; all of it after a fresh start; nothing when it is an older one."""
    if all(totals[name] >= before[name] for name in _FIELDS):
        counters["totals"] = totals
        return _counted(counters, {name: totals[name] - before[name] for name in _FIELDS})
    if _size(totals) * 2 > _size(before):
        return None
    counters["totals"] = totals
    return _counted(counters, totals)


def _counted(counters: Counters, used: Tokens) -> Tokens | None:
    if not any(used.values()):
        return None
    counters["counted"] = True
    return used


def _same(one: Tokens, other: Tokens) -> bool:
    return one["input_tokens"] == other["input_tokens"] and one["output_tokens"] == other["output_tokens"]


def _added(one: Tokens, other: Tokens) -> Tokens:
    return {name: one[name] + other[name] for name in _FIELDS}


def _size(tokens: Tokens) -> int:
    return tokens["input_tokens"] + tokens["output_tokens"]

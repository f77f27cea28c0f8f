"""Where the copied history at the top of a forked Codex rollout ends and the thread's own work begins.

A fork (`codex fork`, a spawned sub-agent, a review) may begin with its parent's lines: stamped anew within
milliseconds or seconds, or with their old times, with or without the parent's `session_meta`. They only set the
counters. What ends them, from the surest sign to the weakest:

* `subagent_history_start_ordinal`: lines before that ordinal are the parent's. With `history_base` nothing is copied.
* a turn's id, where it is a UUIDv7 (which tells when the turn began), else its `started_at`: not before the fork.
* the first line of this thread's time after lines of older times.
* the very first turn, when nothing was copied before it; or a pause, as copies are written without one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict

from fedstore.errors import EventError
from fedstore.ingest.values import text_of, time_of

if TYPE_CHECKING:
    from fedstore.json_value import JsonObject

__all__ = ["Fork", "fork_of"]


class Fork(TypedDict):
    """What is known of a fork while its copied lines may still go on; JSON, as it is part of the reader's state."""

    at: int
    minted: int | None
    ordinal: int | None
    told: bool
    """Whether a turn told by itself that it is a copy."""
    copied: bool
    older: bool
    """Whether the line before was of a time before the fork."""
    seen: int
    turn: tuple[str, int, bool] | None
    """The id and start of a turn that may turn out to be the thread's own, and whether its start was told."""


PAUSE_MS = 1_000
_ID_IS_TIMED_MS = 600_000
_UUID7 = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HARMLESS = frozenset({"thread_settings_applied", "turn_context"})
_STARTS = frozenset({"task_started", "user_message"})
_WORK = frozenset({"token_count", "token_usage_record", "task_complete", "turn_aborted"})


def fork_of(payload: JsonObject, at: int, other_at: int | None = None) -> Fork | None:
    """The fork that a thread's own `session_meta` of `at` (ms) tells of; None when nothing can have been copied.

    `other_at` is when the meta line of another thread followed, which makes any thread a fork.
    """
    source = payload.get("source")
    spawned = isinstance(source, dict) and source.get("subagent") is not None
    parent = text_of(payload.get("forked_from_id")) or text_of(payload.get("parent_thread_id"))
    if not (spawned or parent or other_at is not None) or isinstance(payload.get("history_base"), dict):
        return None
    began = min(at, _time(payload.get("timestamp"), at))
    minted = _minted(payload.get("id"))
    timed = minted is not None and abs(minted - began) <= _ID_IS_TIMED_MS
    return {
        "at": began,
        "minted": minted if timed else None,
        "ordinal": _number(payload.get("subagent_history_start_ordinal")),
        "told": False,
        "copied": other_at is not None,
        "older": False,
        "seen": at if other_at is None else other_at,
        "turn": None,
    }


def begins_own(fork: Fork, kind: str, payload: JsonObject, at: int, ordinal: object) -> bool:
    """Whether this line of `at` (ms) is the thread's own, so that the copied lines are over.

    Otherwise the fork remembers what the line tells.
    """
    if fork["ordinal"] is not None and isinstance(ordinal, int) and not isinstance(ordinal, bool):
        return ordinal >= fork["ordinal"]
    own = _is_own(fork, kind, payload, at)
    if own:
        return True
    said = text_of(payload.get("type")) if kind == "event_msg" else kind
    if said in _STARTS:
        fork["turn"] = (text_of(payload.get("turn_id")), at, said == "task_started") if own is None else None
    elif said in _WORK:
        fork["turn"] = None  # an answer without a pause before it is a copy, and so is its turn
    fork["told"] = fork["told"] or own is False
    fork["older"] = at < fork["at"]
    fork["copied"] = fork["copied"] or said not in _HARMLESS
    fork["seen"] = at
    return False


def _is_own(fork: Fork, kind: str, payload: JsonObject, at: int) -> bool | None:
    """True, False, or None when the line itself does not tell."""
    starts = kind == "event_msg" and payload.get("type") == "task_started"
    if starts or kind == "turn_context":
        told = _not_before(fork, payload, at)
        if told is not None:
            return told
    if at < fork["at"] or kind == "session_meta":
        return None
    if fork["told"]:  # its turns tell when they began: nothing else is believed
        return None
    if starts and not fork["copied"]:
        return True
    return True if fork["older"] or at - fork["seen"] >= PAUSE_MS else None


def _not_before(fork: Fork, payload: JsonObject, at: int) -> bool | None:
    """Whether a turn began in this thread, as far as its id or its `started_at` tell."""
    born, minted = fork["minted"], _minted(payload.get("turn_id"))
    if born is not None and minted is not None and minted <= at + _ID_IS_TIMED_MS:
        return minted >= born
    started = _number(payload.get("started_at"))
    return None if started is None else started >= fork["at"] // 1000


def _minted(value: object) -> int | None:
    """When a UUIDv7 was made, in epoch milliseconds."""
    found = _UUID7.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else int(found[1] + found[2], 16)


def _number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value < 1e15 else None


def _time(value: object, otherwise: int) -> int:
    try:
        return time_of(value)
    except EventError:
        return otherwise

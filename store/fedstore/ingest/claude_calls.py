"""Responses of the API in a Claude Code transcript: which call a line belongs to, its tokens, and what tells it apart.

A response is written as several lines that repeat its usage; the line with the most tokens counts. Copies of it stand
in side conversations, under another request id or none, and in forks: `response_id`, the API's own name of the answer,
is the same in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from fedstore.errors import EventError
from fedstore.ingest.claude_records import characters
from fedstore.ingest.reader import Place
from fedstore.ingest.values import NAME_CUT, count_of, fact_id, is_issued, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedstore.ingest.claude_records import Entry
    from fedstore.json_value import JsonObject

__all__ = ["Call", "begin", "call_key", "events", "is_of_api", "merge"]

_ISSUED = 20
"""So many characters, at least, has a request or message id that the API issued (it has 28)."""
UNREPORTED_OUTPUT = 8
"""A response that was never seen to end and has at most this many output tokens had more."""
CHARACTERS_A_TOKEN = 5
"""So has one with more visible characters per output token: of 522 real ones that ended none has over 4.3."""
_STANDARD = frozenset({"", "standard", "default", "auto"})
_MAX_USD = 10_000
_MOST = 10**15
"""More tokens than are taken; larger numbers could not be kept in the state."""
_COUNTS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
)  # fmt: skip

_RANK = ("output_tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")


class Call(TypedDict):
    """A response in progress, as the reader's state keeps it: what all lines share, and what the fullest one tells."""

    key: list[str]
    session: str
    entry: str
    at: int
    ended: bool
    characters: int
    usage: JsonObject | None
    place: list[int]
    told: bool
    """Whether the call was given out as it is."""
    tokens: dict[str, int]
    known: bool
    model: str
    cost: float | None
    tier: str
    project: str
    run: str
    advisors: list[tuple[str, dict[str, int], bool]]


def is_of_api(text: str) -> bool:
    """Whether the API issued an id of a message or a request, so that no other one has it; proxies count them up."""
    return (len(text) >= _ISSUED and text.startswith(("msg_", "req_"))) or is_issued(text)


def call_key(entry: Entry) -> list[str]:
    """What the lines of one response share: the ids of its message and of its request; a line without is alone."""
    message_id, request_id = text_of(entry.message.get("id")), text_of(entry.raw.get("requestId"))
    return [message_id, request_id] if message_id or request_id else ["", "", entry.uuid]


def begin(key: list[str], entry: Entry, place: Place) -> Call:
    """A response whose first line is `entry`."""
    return {
        "key": key, "session": entry.session, "entry": "" if len(key) == 2 else entry.key(), "at": 0, "ended": False,
        "characters": 0, "usage": None, "place": list(place), "told": False, "tokens": {}, "known": False, "model": "",
        "cost": None, "tier": "", "project": "", "run": "", "advisors": [],
    }  # fmt: skip


def merge(call: Call, entry: Entry, usage: JsonObject, run_id: str) -> None:
    """Take one line of a response into account; of their usages the one counts that the store would let stand."""
    call["told"] = False
    if entry.at > call["at"]:
        call["at"] = entry.at
    if not call["ended"]:
        call["ended"] = entry.message.get("stop_reason") is not None
        call["characters"] += characters(entry.message)
    if usage == call["usage"]:  # as most lines of a response repeat it
        return
    call["usage"] = usage
    tokens, known = _tokens(usage)
    if not call["tokens"] or _rank(tokens) > _rank(call["tokens"]):
        call.update({
            "tokens": tokens, "known": known, "model": text_of(entry.message.get("model"))[:NAME_CUT],
            "cost": _cost(entry.raw.get("costUSD"), tokens), "tier": _tier(usage), "project": entry.project,
            "run": run_id, "advisors": _advisors(usage),
        })  # fmt: skip


def events(call: Call, agent: str, source: str) -> list[dict[str, object]]:
    """The calls that a response was: its own, and those of the advisors it asked."""
    call_id = _id(call)
    shared = {
        "kind": "usage", "run_id": call["run"], "agent": agent, "project": call["project"], "at": call["at"],
        "source": source,
    }  # fmt: skip
    output = call["tokens"]["output_tokens"]
    least = output <= UNREPORTED_OUTPUT or call["characters"] > CHARACTERS_A_TOKEN * output
    message_id = call["key"][0]
    found: list[dict[str, object]] = [{
        **shared, "id": call_id, "response_id": message_id if is_of_api(message_id) else "",
        "model": call["model"], "provider": _provider(call["model"]), "cost_usd": call["cost"],
        "service_tier": call["tier"],
        "output_is_minimum": (least and not call["ended"]) or not call["known"], **call["tokens"],
    }]  # fmt: skip
    for number, (model, tokens, known) in enumerate(call["advisors"]):
        named = model or call["model"]
        found.append({
            **shared, "id": fact_id(call_id, "advisor", str(number)), "model": named, "provider": _provider(named),
            "output_is_minimum": not known, **tokens,
        })  # fmt: skip
    return found


def _id(call: Call) -> str:
    """What tells a call from all others: its request's id, else its message's; where a proxy counts, in its session."""
    message_id, request_id = call["key"][:2]
    if is_of_api(request_id):
        return request_id
    if is_of_api(message_id):
        return message_id
    told = [part for part in (message_id, request_id) if part]
    return fact_id(call["session"], *told) if told else call["entry"]


def _provider(model: str) -> str:
    return "anthropic" if model.startswith("claude") else ""


def _cost(told: object, tokens: Mapping[str, int]) -> float | None:
    """A cost that was told; one of 0 beside tokens is what old proxies write when they do not know."""
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 <= told <= _MAX_USD:
        return None
    return told if told > 0 or not _size(tokens) else None


def _tier(usage: JsonObject) -> str:
    """What a call was charged as, where that is not the standard."""
    if usage.get("speed") == "fast":
        return "fast"
    tier = text_of(usage.get("service_tier"))[:NAME_CUT]
    return "" if tier in _STANDARD else tier


def _advisors(usage: JsonObject) -> list[tuple[str, dict[str, int], bool]]:
    """Model, tokens, and whether all of them are known, of each advisor that was asked; the usage leaves them out."""
    iterations = usage.get("iterations")
    return [
        (text_of(one.get("model"))[:NAME_CUT], *_tokens(one))
        for one in (iterations if isinstance(iterations, list) else ())
        if isinstance(one, dict) and one.get("type") == "advisor_message"
    ]


def _tokens(usage: JsonObject) -> tuple[dict[str, int], bool]:
    """Our token fields of an API usage, whose `input_tokens` exclude the cache; and whether every count is known."""
    unknown: list[str] = []

    def count(counts: JsonObject, name: str) -> int:
        try:
            return min(count_of(counts, name), _MOST)
        except EventError:
            unknown.append(name)
            return 0

    fresh, read = count(usage, "input_tokens"), count(usage, "cache_read_input_tokens")
    by_life = usage.get("cache_creation")
    hour = five = 0
    if isinstance(by_life, dict):
        hour, five = count(by_life, "ephemeral_1h_input_tokens"), count(by_life, "ephemeral_5m_input_tokens")
    written = count(usage, "cache_creation_input_tokens") or hour + five
    output = count(usage, "output_tokens")
    counts = (fresh + read + written, read, written, min(hour, written), output)
    told = usage.get("input_tokens") is not None and usage.get("output_tokens") is not None
    return dict(zip(_COUNTS, counts, strict=True)), told and not unknown


def _rank(tokens: Mapping[str, int]) -> tuple[int, ...]:
    """What comes first where two copies of a call differ."""
    return tuple(tokens[name] for name in _RANK)


def _size(tokens: Mapping[str, int]) -> int:
    return tokens["input_tokens"] + tokens["output_tokens"]

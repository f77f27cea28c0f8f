"""Tool calls of a Codex thread that are under way: begun, told how they ended, and ended by their output.

A command may outlive its first output (`Process running with session ID 7`). Such a call waits for the event of its
end, or for the output of a later call about the same process, and at the latest for the end of its turn, after which
how it ended is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict

from fedstore.cleaning import clean_name
from fedstore.ingest.codex_outcomes import is_mcp, outcome_of_event, outcome_of_output, session_of_call
from fedstore.ingest.codex_values import duration_of
from fedstore.ingest.values import NAME_CUT, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.json_value import JsonObject

__all__ = ["Begun", "Ended", "Tools"]

_SHELL = "local_shell"


class Ended(NamedTuple):
    """A tool call that is over. `began` and `at` are in epoch milliseconds."""

    id: str
    name: str
    run: str
    began: int
    at: int
    duration_ms: float | None
    success: bool | None
    error: str


class Begun(TypedDict):
    """A call under way: `output` is when it came, `waits` what still runs, `told` how it ended (success and error).

    One that outlived its output and was given up is `left`: given out, and told again if its end comes after all.
    """

    name: str
    at: int
    run: str
    mcp: bool
    session: str
    output: NotRequired[int]
    waits: NotRequired[str]
    told: NotRequired[tuple[bool | None, str]]
    left: NotRequired[bool]


class Tools:
    """The calls without an end. `calls` is JSON and part of the reader's state; it is changed in place."""

    def __init__(self, calls: dict[str, Begun]) -> None:
        self._calls = calls

    @property
    def running(self) -> bool:
        """Whether a call has had no output yet."""
        return any("output" not in call for call in self._calls.values())

    @property
    def waiting(self) -> bool:
        """Whether a call outlived its first output and was not given up."""
        return any("output" in call and "left" not in call for call in self._calls.values())

    def begin(self, call_id: str, payload: JsonObject, at: int, run: str) -> None:
        """A call was made at `at`."""
        name = clean_name(text_of(payload.get("name")))[:NAME_CUT]
        if not name and payload.get("type") == "local_shell_call":
            name = _SHELL
        if name:
            self._calls[call_id] = {
                "name": name, "at": at, "run": run, "mcp": is_mcp(name, text_of(payload.get("namespace"))),
                "session": session_of_call(payload.get("arguments")),
            }  # fmt: skip

    def told(self, call_id: object, payload: JsonObject, at: int) -> Iterator[Ended]:
        """The event of a call's end: before the output it is remembered, after the output it completes the call."""
        if not isinstance(call_id, str) or (call := self._calls.get(call_id)) is None:
            return
        ended = outcome_of_event(payload)
        if ended.success is not None:
            call["told"] = (ended.success, ended.error)
            if "output" in call:
                yield self._end(call_id, at)

    def output(self, call_id: str, output: object, at: int) -> Iterator[Ended]:
        """The output of a call: what it, or an event before it, tells completes the call."""
        call = self._calls.get(call_id)
        if call is None or "output" in call:
            return
        ended = outcome_of_output(call["name"], output, mcp=call["mcp"])
        if ended.session and "told" not in call:
            call.update({"output": at, "waits": ended.session})
            return
        if ended.success is not None and call["session"]:
            for other in [one for one, known in self._calls.items() if known.get("waits") == call["session"]]:
                self._calls[other]["told"] = (ended.success, ended.error)
                yield self._end(other, at)
        call.setdefault("told", (ended.success, ended.error))
        yield self._end(call_id, at)

    def clear(self) -> Iterator[Ended]:
        """The turn is over: calls that had an output end with it, the others never came back."""
        yield from self.left()
        self._calls.clear()

    def left(self) -> Iterator[Ended]:
        """The calls that outlived their output, as nobody looks any more; each once."""
        for call_id, call in self._calls.items():
            if "output" in call and "left" not in call:
                call["left"] = True
                yield _ended(call_id, call, None)

    def _end(self, call_id: str, at: int) -> Ended:
        return _ended(call_id, self._calls.pop(call_id), at)


def _ended(call_id: str, call: Begun, at: int | None) -> Ended:
    """A call that ended `at`; None for one that went on when nobody looked any more."""
    success, error = call.get("told") or (None, "")
    began = call["at"]
    took = None if at is None else duration_of(max(0, at - began))
    return Ended(call_id, call["name"], call["run"], began, call["output"] if at is None else at, took, success, error)

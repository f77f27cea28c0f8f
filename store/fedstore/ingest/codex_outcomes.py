"""How a tool call of Codex ended, as far as its output or the event of its end tells.

Codex heads what a command printed with lines of its own (`Exit code: 1`, `Wall time: …`, `Output:`), and only there an
exit code counts: the same words in what a tool returned say nothing about the call. An MCP tool says `isError`. What
Codex itself answers instead of a result (`apply_patch verification failed …`) is a failure. Everything else is unknown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fedstore.json_value import JsonObject

__all__ = ["Outcome", "is_mcp", "outcome_of_event", "outcome_of_output", "session_of_call"]


class Outcome(NamedTuple):
    """`success` is None where it is not known; `session` names the process or script that still runs."""

    success: bool | None = None
    error: str = ""
    session: str = ""


UNKNOWN = Outcome()
_HEADER_LINES = 12
_FIRST = 2_000
_HEADER = re.compile(
    r"Chunk ID: .*|Wall time:? .*|Original token count: \d+|Total output lines: \d+|Warning: .*"
    r"|(?P<exit>(?:Process exited with code|Exit code:?) (?P<code>-?\d{1,9}))"
    r"|Process running with session ID (?P<session>\S+)"
    r"|Script running with cell ID (?P<cell>\S+)"
    r"|(?P<script>Script (?:completed|failed|terminated))"
)
_ANSWERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error)
    for pattern, error in (
        (r"(?:apply_)?patch verification failed\b", "patch verification failed"),
        (r"(?:exec )?(?:command|patch) rejected by user\b|rejected by user\b", "rejected by user"),
        (r"(?:unsupported (?:custom tool )?call|tool \S+ not found)\b", "unsupported call"),
        (r"failed to parse (?:function )?arguments\b", "bad arguments"),
        (r"(?:command timed out|timed out)\b", "timeout"),
        (r"failed in sandbox\b|sandbox (?:denied|error)\b", "sandbox"),
        (r"unable to (?:locate|read|process) image\b", "error"),
        (
            r"(?:collab [a-z_]+|exec_command|write_stdin|unified_exec|apply_patch|shell|execution) (?:failed|error)\b",
            "",
        ),
    )
)
_MCP_ERROR = re.compile(r"(?:tool call error|mcp error|err): ", re.IGNORECASE)
_ABORTED = re.compile(r"aborted(?: by user after [\d.]+ ?s(?:econds)?)?\s*$")
_DONE = {"completed": True, "success": True, "succeeded": True, "failed": False, "error": False, "errored": False}


def is_mcp(name: str, namespace: str) -> bool:
    """Whether a tool is one of an MCP server, whose output is its own and never headed by Codex."""
    return name.startswith("mcp__") or namespace.startswith("mcp__")


def session_of_call(arguments: object) -> str:
    """The process or script that a call asks about (`write_stdin`, `wait`)."""
    try:
        given = json.loads(arguments) if isinstance(arguments, str) and len(arguments) < _FIRST else arguments
    except (ValueError, RecursionError):
        return ""
    if not isinstance(given, dict):
        return ""
    said = given.get("session_id", given.get("cell_id"))
    return str(said) if isinstance(said, (int, str)) and not isinstance(said, bool) else ""


def outcome_of_output(name: str, output: object, *, mcp: bool) -> Outcome:
    """What the output of a tool called `name` tells."""
    if isinstance(output, dict):
        return _of_object(name, output, mcp=mcp)
    text = _text(output)
    if text is None:
        return UNKNOWN
    headed, body = _of_header(text)
    if headed is not None and not mcp:
        return headed
    if body.startswith("{"):
        try:
            return _of_object(name, json.loads(body), mcp=mcp)
        except (ValueError, RecursionError):
            return UNKNOWN
    if mcp:
        return Outcome(False, "mcp error") if _MCP_ERROR.match(body) else UNKNOWN
    return _of_answer(name, body)


def outcome_of_event(payload: JsonObject) -> Outcome:
    """What an event of a tool's end (`exec_command_end`, the item of an `item_completed`, …) tells."""
    code = payload.get("exit_code")
    if isinstance(code, int) and not isinstance(code, bool):
        return _of_code(code)
    result = payload.get("result")
    if isinstance(result, dict):
        ended = _of_result(result)
        if ended.success is not None:
            return ended
    if payload.get("status") == "declined":
        return Outcome(False, "rejected by user")
    said = payload.get("success")
    done = said if isinstance(said, bool) else _DONE.get(str(payload.get("status")))
    return UNKNOWN if done is None else Outcome(done, "" if done else _kind_of_failure(payload))


def _kind_of_failure(payload: JsonObject) -> str:
    kind = str(payload.get("type")).lower()
    return (
        "patch failed" if kind in ("patch_apply_end", "filechange") else "mcp error" if kind[:3] == "mcp" else "error"
    )


def _of_result(result: JsonObject) -> Outcome:
    """An MCP result: as it is, or wrapped as Codex's own `Ok` and `Err`."""
    if "Err" in result:
        return Outcome(False, "mcp error")
    inner = result.get("Ok", result)
    failed = inner.get("isError", inner.get("is_error")) if isinstance(inner, dict) else None
    if isinstance(failed, bool):
        return Outcome(not failed, "mcp error" if failed else "")
    return Outcome(True) if "Ok" in result else UNKNOWN


def _of_object(name: str, found: object, *, mcp: bool) -> Outcome:
    if not isinstance(found, dict):
        return UNKNOWN
    metadata = found.get("metadata")
    code = metadata.get("exit_code") if isinstance(metadata, dict) else None
    if isinstance(code, int) and not isinstance(code, bool) and not mcp:
        return _of_code(code)
    if "content" not in found:
        return UNKNOWN
    ended = _of_result(found)
    if ended.success is None and isinstance(found.get("success"), bool):
        return Outcome(found["success"], "" if found["success"] else "error")
    return ended if ended.success is not None else outcome_of_output(name, _text(found["content"]), mcp=mcp)


def _of_header(text: str) -> tuple[Outcome | None, str]:
    """What Codex's own first lines tell (None without any), and what follows them."""
    ended: Outcome | None = None
    position = 0
    for _ in range(_HEADER_LINES):
        line, _, _ = text[position : position + _FIRST].partition("\n")
        if ended is not None and line.rstrip("\r") in ("Output:", ""):
            return ended, text[position + len(line) + 1 :]
        found = _HEADER.fullmatch(line.rstrip("\r"))
        if found is None:
            break
        ended = _of_line(found) or ended or UNKNOWN
        position += len(line) + 1
    return ended, text[position:]


def _of_line(found: re.Match[str]) -> Outcome | None:
    if found["exit"]:
        return _of_code(int(found["code"]))
    if found["session"] or found["cell"]:
        return Outcome(session=found["session"] or found["cell"])
    script = found["script"]
    if script is None:
        return None
    return {"Script completed": Outcome(True), "Script failed": Outcome(False, "script failed")}.get(script, UNKNOWN)


def _of_answer(name: str, text: str) -> Outcome:
    """What Codex says itself where a tool gave no result."""
    first = text[:_FIRST].lstrip()
    if _ABORTED.match(first):
        return Outcome(None, "interrupted")
    for pattern, error in _ANSWERS:
        found = pattern.match(first)
        if found is not None:
            return Outcome(False, error or found[0].lower())
    own = first.lower().startswith((f"{name.lower()} failed", f"{name.lower()} error:"))
    return Outcome(False, f"{name} failed"[:200]) if own else UNKNOWN


def _of_code(code: int) -> Outcome:
    return Outcome(code == 0, f"exit code {code}" if code else "")


def _text(output: object) -> str | None:
    """The text of an output: itself, or the first text of its parts."""
    if isinstance(output, str):
        return output
    for part in output if isinstance(output, list) else ():
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            return text
    return None

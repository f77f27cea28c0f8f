"""Made-up Claude Code transcripts: entries as the program writes them, with a clock of their own."""

from __future__ import annotations

from typing import Any

from fedstore.ingest.routing_log import iso

T0 = 1_773_100_000_000
MODEL = "claude-sonnet-4-5-20250929"


def request_id(message_id: str) -> str:
    """As long as the API's own."""
    return f"req_{message_id:0>24}"


def tool(name: str) -> str:
    """The id of a tool call as the API issues it."""
    return f"toolu_{name}"


class Session:
    """Writes entries one after the other; ``tick`` seconds pass before each."""

    def __init__(self, session: str = "s1", agent_id: str = "", cwd: str = "/home/dev/projects/shop") -> None:
        self.entries: list[dict[str, Any]] = []
        self.at = T0
        self.session = session
        self.agent_id = agent_id
        self.cwd = cwd

    def add(self, kind: str, tick: float = 1.0, **fields: Any) -> dict[str, Any]:
        self.at += round(tick * 1000)
        entry = {
            "type": kind, "uuid": f"{self.session}-{self.agent_id}-{len(self.entries)}", "sessionId": self.session,
            "timestamp": iso(self.at), "cwd": self.cwd, "version": "2.1.39", "isSidechain": bool(self.agent_id),
            **({"agentId": self.agent_id} if self.agent_id else {}), **fields,
        }  # fmt: skip
        self.entries.append(entry)
        return entry

    def prompt(self, text: Any = "Do it", **fields: Any) -> dict[str, Any]:
        return self.add("user", message={"role": "user", "content": text}, **fields)

    def reply(
        self,
        message_id: str,
        *content: dict[str, Any],
        usage: tuple[int, int, int, int] = (3, 100, 20, 5),
        stop: str | None = None,
        model: str = MODEL,
        hour: int = 0,
        tick: float = 1.0,
        **fields: Any,
    ) -> dict[str, Any]:
        """One line of a response; ``usage`` is fresh input, cache read, cache write, output."""
        fresh, read, written, out = usage
        message = {
            "id": message_id, "role": "assistant", "model": model, "stop_reason": stop,
            "content": list(content) or [{"type": "text", "text": "…"}],
            "usage": {
                "input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": written,
                "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
                "output_tokens": out,
            },
        }  # fmt: skip
        return self.add("assistant", tick, message=message, requestId=request_id(message_id), **fields)

    def result(self, tool_id: str, text: str = "ok", *, error: bool = False, tick: float = 2.0) -> dict[str, Any]:
        return self.result_of(tool(tool_id), text, error=error, tick=tick)

    def result_of(self, tool_id: str, text: str = "ok", *, error: bool = False, tick: float = 2.0) -> dict[str, Any]:
        """The result of a call under this very id."""
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_id, "content": text}
        if error:
            block["is_error"] = True
        return self.add("user", tick, message={"role": "user", "content": [block]})

    def progress(self, tool_id: str, inner: dict[str, Any]) -> dict[str, Any]:
        """A subagent's entry as the parent's transcript repeats it."""
        message = {name: inner[name] for name in ("type", "uuid", "timestamp", "message")}
        if "requestId" in inner:
            message["requestId"] = inner["requestId"]
        data = {"type": "agent_progress", "agentId": inner["agentId"], "message": message}
        entry = self.add("progress", 0, data=data, parentToolUseID=tool(tool_id))
        entry["timestamp"] = inner["timestamp"]
        return entry


def use(tool_id: str, name: str = "Bash", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool(tool_id), "name": name, "input": given}


def working_day() -> Session:
    """A session with everything in it: several turns, tools, a subagent, an API error, a compaction."""
    s = Session()
    s.add("file-history-snapshot", messageId="m")
    s.prompt("Fix the bug")
    s.reply("m1", usage=(3, 0, 1000, 1))
    s.reply("m1", use("t1"), usage=(3, 0, 1000, 1))
    s.result("t1")
    s.reply("m1", use("t2", "Read"), usage=(3, 0, 1000, 77), stop="tool_use")
    s.result("t2", "Exit code 2", error=True)
    s.reply("m2", usage=(2, 1000, 50, 210), stop="end_turn")
    s.add("system", subtype="turn_duration", durationMs=12_345)
    s.prompt("Now research")
    s.reply("m3", use("task", "Task", subagent_type="Explore"), usage=(1, 1050, 10, 60), stop="tool_use")
    sub = Session(agent_id="a77")
    sub.at = s.at
    first = sub.prompt("Look around")
    second = sub.reply("n1", use("t3", "Grep"), usage=(5, 0, 300, 1))
    third = sub.result("t3")
    for inner in (first, second, third):
        s.progress("task", inner)
    s.at = sub.at
    s.result("task", tick=30)
    s.add("assistant", message={"model": "<synthetic>", "id": "z", "content": [], "usage": {}},
          isApiErrorMessage=True, apiErrorStatus=529)  # fmt: skip
    s.add("user", message={"role": "user", "content": "This session is being continued"}, isCompactSummary=True)
    s.prompt("Go on")
    s.reply("m4", use("t9", "Bash"), usage=(9, 10, 20, 30), stop="tool_use")
    s.add("user", message={"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]})
    s.add("brand-new-type", whatever=[1, 2])
    return s

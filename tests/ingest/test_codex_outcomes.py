"""How tool calls of Codex ended: by their output, by an event, by Codex's own answer; and what is no failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fedstore.facts.events import Execution
from tests.ingest.rollouts import call, event, facts, line, meta, output

FAILED, OK, UNKNOWN = False, True, None
EXEC, MCP = "exec_command", "mcp__ci__get_log"
NO_BUILD = {"content": [{"type": "text", "text": "no such build"}]}


def parts(text: str) -> list[dict[str, str]]:
    return [{"type": "input_text", "text": text}]


def ended(*values: Any, name: str = EXEC, **payload: Any) -> list[tuple[str, bool | None, str]]:
    """What became of the call that these lines follow, and of others."""
    found = facts([meta(0, "s"), event(1, "task_started", turn_id="t"), call(10, "call_1", name, **payload), *values])
    return [(e.tool, e.success, e.error_class) for e in found if isinstance(e, Execution)]


@pytest.mark.parametrize(
    ("name", "said", "success", "error"),
    [
        (EXEC, "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 2\nOutput:\nboom", FAILED, "exit code 2"),
        (EXEC, "Exit code: 0\nWall time: 0 seconds\nTotal output lines: 3\nOutput:\nExit code: 1", OK, ""),
        (EXEC, "Exit code: 137\nWall time: 9 seconds\nSomething new: 1\nOutput:\n", FAILED, "exit code 137"),
        (EXEC, "Exit code: -1", FAILED, "exit code -1"),
        (EXEC, parts("Wall time: 0.1 seconds\nProcess exited with code 3\nOutput:\nno"), FAILED, "exit code 3"),
        (EXEC, [{"type": "input_image", "image_url": "data:"}, *parts("Exit code: 0\nOutput:\n")], OK, ""),
        (EXEC, json.dumps({"output": "x", "metadata": {"exit_code": 1, "duration_seconds": 1}}), FAILED, "exit code 1"),
        (EXEC, {"content": "Exit code: 4\nOutput:\n", "success": False}, FAILED, "error"),
        ("exec", parts("Script failed\nWall time 0.2 seconds\nOutput:\n"), FAILED, "script failed"),
        ("exec", parts("Script completed\nWall time 0.2 seconds\nOutput:\n"), OK, ""),
        ("apply_patch", "apply_patch verification failed: no such lines in a.py", FAILED, "patch verification failed"),
        (EXEC, "exec_command failed for `/bin/zsh`: CreateProcess { message }", FAILED, "exec_command failed"),
        ("write_stdin", "write_stdin failed: Unknown process id 99999", FAILED, "write_stdin failed"),
        ("spawn_agent", "collab spawn failed: agent thread limit reached", FAILED, "collab spawn failed"),
        ("view_image", "view_image failed: no such file", FAILED, "view_image failed"),
        ("nosuch", "unsupported call: nosuch", FAILED, "unsupported call"),
        (EXEC, "failed to parse function arguments: missing field `cmd`", FAILED, "bad arguments"),
        (EXEC, "exec command rejected by user", FAILED, "rejected by user"),
        (EXEC, "aborted by user after 3.1s", UNKNOWN, "interrupted"),
        (MCP, json.dumps({**NO_BUILD, "isError": True}), FAILED, "mcp error"),
        (MCP, "Wall time: 0.5 seconds\nOutput:\n" + json.dumps({**NO_BUILD, "isError": True}), FAILED, "mcp error"),
        (MCP, json.dumps({**NO_BUILD, "isError": False}), OK, ""),
        (MCP, "tool call error: transport closed", FAILED, "mcp error"),
        # what a tool returned tells nothing, whatever it contains
        (MCP, "last build:\n  step test\n  Exit code: 1\n(end of log)", UNKNOWN, ""),
        (MCP, "Exit code: 1\nWall time: 3 seconds\nOutput:\nthat was the build", UNKNOWN, ""),
        (MCP, "apply_patch verification failed: that is what the log says", UNKNOWN, ""),
        (MCP, json.dumps({"metadata": {"exit_code": 1}}), UNKNOWN, ""),
        ("view", "notes:\nProcess exited with code 1\nOutput:\n", UNKNOWN, ""),
        ("view", "The build failed: see the log", UNKNOWN, ""),
        ("view", json.dumps({"isError": True}), UNKNOWN, ""),
        ("view", "{not json", UNKNOWN, ""),
        ("view", None, UNKNOWN, ""),
        ("view", [], UNKNOWN, ""),
    ],
)  # fmt: skip
def test_an_output_tells_how_a_call_ended(name: str, said: Any, success: bool | None, error: str) -> None:
    assert ended(output(900, "call_1", said), name=name) == [(name, success, error)]


@pytest.mark.parametrize(
    ("told", "success", "error"),
    [
        ({"type": "exec_command_end", "exit_code": 4}, FAILED, "exit code 4"),
        ({"type": "exec_command_end", "exit_code": 0}, OK, ""),
        ({"type": "patch_apply_end", "success": False}, FAILED, "patch failed"),
        ({"type": "patch_apply_end", "success": True}, OK, ""),
        ({"type": "mcp_tool_call_end", "result": {"Ok": NO_BUILD}}, OK, ""),
        ({"type": "mcp_tool_call_end", "result": {"Ok": {**NO_BUILD, "isError": True}}}, FAILED, "mcp error"),
        ({"type": "mcp_tool_call_end", "result": {"Err": "timed out"}}, FAILED, "mcp error"),
        ({"type": "dynamic_tool_call_response", "success": False}, FAILED, "error"),
    ],
)  # fmt: skip
def test_an_event_tells_it_better(told: dict[str, Any], success: bool | None, error: str) -> None:
    kind = told["type"]
    rest = {name: value for name, value in told.items() if name != "type"}
    after = output(900, "call_1", "no header")
    assert ended(event(800, kind, call_id="call_1", **rest), after) == [(EXEC, success, error)]


@pytest.mark.parametrize(
    ("item", "success", "error"),
    [
        ({"type": "CommandExecution", "status": "failed", "exit_code": 4}, FAILED, "exit code 4"),
        ({"type": "CommandExecution", "status": "completed", "exit_code": 0}, OK, ""),
        ({"type": "CommandExecution", "status": "declined"}, FAILED, "rejected by user"),
        ({"type": "FileChange", "status": "failed"}, FAILED, "patch failed"),
        ({"type": "McpToolCall", "status": "failed", "error": {"message": "no"}}, FAILED, "mcp error"),
        ({"type": "McpToolCall", "status": "completed", "result": NO_BUILD}, OK, ""),
        ({"type": "CollabAgentToolCall", "status": "failed"}, FAILED, "error"),
        ({"type": "CommandExecution", "status": "in_progress"}, UNKNOWN, ""),
    ],
)  # fmt: skip
def test_a_completed_item_tells_it_too(item: dict[str, Any], success: bool | None, error: str) -> None:
    done = event(800, "item_completed", item={"id": "call_1", **item})
    assert ended(done, output(900, "call_1", "boom")) == [(EXEC, success, error)]


RUNS_ON = "Chunk ID: 6\nWall time: 0.25 seconds\nProcess running with session ID 80009\nOutput:\n"


def test_a_command_that_outlives_its_first_output_ends_with_its_event() -> None:
    done = event(5_000, "item_completed", item={"id": "call_1", "type": "CommandExecution", "exit_code": 5})
    found = facts([meta(0, "s"), call(10, "call_1", EXEC), output(300, "call_1", RUNS_ON), done])
    assert [(e.success, e.error_class, e.duration_ms) for e in found if isinstance(e, Execution)] == [
        (False, "exit code 5", 4_990)
    ]


def test_or_with_the_output_of_a_call_about_its_process() -> None:
    later = [
        output(300, "call_1", RUNS_ON),
        call(400, "call_2", "write_stdin", arguments='{"session_id": 80009, "chars": ""}'),
        output(700, "call_2", "Wall time: 0.3 seconds\nProcess running with session ID 80009\nOutput:\n"),
        call(800, "call_3", "write_stdin", arguments='{"session_id": 80009, "chars": ""}'),
        output(900, "call_3", "Wall time: 0.1 seconds\nProcess exited with code 3\nOutput:\n"),
    ]
    assert ended(*later)[0] == (EXEC, False, "exit code 3")


def test_or_is_not_known_when_its_turn_is_over() -> None:
    over = event(9_000, "task_complete", turn_id="t")
    late = event(20_000, "exec_command_end", call_id="call_1", exit_code=0)
    assert ended(output(300, "call_1", RUNS_ON), over, late) == [(EXEC, None, "")]


def test_a_local_shell_call_counts() -> None:
    shell = line(20, "response_item", type="local_shell_call", call_id="call_9", status="completed", action={})
    assert ended(shell, output(30, "call_9", "Exit code: 0\nOutput:\na")) == [("local_shell", True, "")]


def test_a_namespace_makes_a_tool_one_of_an_mcp_server() -> None:
    found = ended(output(900, "call_1", "Exit code: 1\nOutput:\n"), name="get_log", namespace="mcp__ci")
    assert found == [("get_log", None, "")]

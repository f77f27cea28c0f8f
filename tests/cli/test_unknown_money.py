"""An agent of which nobody told any usage: no view prints $0.00 or 0 tokens, no JSON has a 0 for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fedstore import Store
from fedtop.glyphs import UNICODE
from fedtop.views.agent.panel import agent_tiles
from fedtop.views.overview.parts import tiles
from fedtop.widgets.table_model import plain
from tests.cli.conftest import Run
from tests.conftest import Clock

VIEWS = (
    ["dashboard"], ["agent", "kimi"], ["task-type", "review"], ["runs"], ["costs"], ["costs", "--by", "agent"],
    ["tools"], ["top", "--once", "--tab", "agents"], ["top", "--once", "--tab", "costs"], ["export", "json"],
    *(["export", "csv", "--table", table] for table in ("agents", "runs", "costs", "tools")),
)  # fmt: skip


@pytest.fixture
def untold(path: Any, clock: Clock) -> Store:
    """Runs and executions without a word on tokens or money."""
    store = Store(path, clock=clock)
    for n in range(12):
        run = {"kind": "run", "agent": "kimi", "task_type": "review", "at": clock() - n * 60_000, "success": n > 2}
        call = {"kind": "execution", "agent": "kimi", "tool": "grep", "at": clock() - n * 60_000, "success": True}
        assert store.writer().write([run, call]).taken == 2
    return store


def _amounts(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every amount of money or tokens in a document, by its name."""
    if isinstance(value, dict):
        if "nano" in value and "known" in value:
            yield name, value["nano"] if value["known"] else None
            return
        for key, inner in value.items():
            yield from _amounts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _amounts(inner, name)
    elif re.search(r"tokens$|cost_nano$", name):
        yield name, value


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_what_nobody_told_is_never_zero(untold: Store, run: Run, view: list[str]) -> None:
    printed = run(*view)
    assert printed.exit_code == 0, printed.output
    assert "$0" not in printed.output
    assert not re.search(r"\b0 tokens|[Tt]okens:?\s+0\b", printed.output)
    if view[0] == "export":
        return
    said = json.loads(run(*view, "--json").output)
    zeros = [(name, amount) for name, amount in _amounts(said) if amount == 0 and name != "series"]
    known = {"cost_nano", "output_tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens"}
    assert not [name for name, _ in zeros if name not in known], zeros


def test_tiles_of_the_pane_say_nothing_of_it(untold: Store) -> None:
    reader = untold.reader()
    window = reader.window("24h")
    row = reader.agent("kimi", window).row
    shown = [
        tile for found in (agent_tiles(row, UNICODE), tiles(reader.overview(window), 0)) for tile in found.values()
    ]
    assert shown
    for tile in shown:
        for part in (tile.value, tile.side, tile.sub):
            assert "$0" not in (plain(part) if part is not None else "")
            assert "0 tokens" not in (plain(part) if part is not None else "")

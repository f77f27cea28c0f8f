"""Watermarks of imported files and the quarantine of refused lines: the only SQL of the importers.

A mark says how far a file was read and what its reader must remember. It is written after the facts it
stands for: a crash between the two makes the next import read a batch again, where ids keep it from counting twice.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fedstore.cleaning import clean_text
from fedstore.upkeep.rejects import REJECT_INSERT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fedstore.engine.protocol import Engine

__all__ = ["Mark", "Reject", "find_mark", "label", "run_is_recorded", "save_mark"]

_FIND = (
    "SELECT head_digest, path, format, byte_offset, body_digest, lines, facts, rejected, state FROM imports"
    " WHERE head_digest = :head"
)
_SAVE = (
    "INSERT INTO imports (head_digest, path, format, byte_offset, body_digest, lines, facts, rejected, state,"
    " recorded_ms) VALUES (:head, :path, :format, :offset, :body, :lines, :facts, :rejected, :state, :now)"
    " ON CONFLICT (head_digest) DO UPDATE SET path = excluded.path, format = excluded.format,"
    " byte_offset = excluded.byte_offset, body_digest = excluded.body_digest, lines = excluded.lines,"
    " facts = excluded.facts, rejected = excluded.rejected, state = excluded.state, recorded_ms = excluded.recorded_ms"
)


@dataclass(slots=True)
class Mark:
    """How far a file was read: ``offset`` bytes whose digest is ``body``, ``lines`` lines, ``facts`` facts."""

    head: str
    path: str
    format: str
    offset: int = 0
    body: str = ""
    lines: int = 0
    facts: int = 0
    rejected: int = 0
    state: str = "{}"


class Reject(NamedTuple):
    """A refused line: where it stands, why, and its digest; ``text`` only when content is kept."""

    line: int
    offset: int
    reason: str
    digest: str
    text: str | None


def label(path: Path) -> str:
    """A path as stored: valid text without control characters."""
    return clean_text(os.fsencode(path).decode("utf-8", "replace")).replace("\n", " ")


def find_mark(database: Engine, head: str) -> Mark | None:
    """The mark of the file whose first line has this digest."""
    rows = database.read(_FIND, {"head": head})
    return Mark(*rows[0]) if rows else None


def save_mark(database: Engine, mark: Mark, rejects: Iterable[Reject], now_ms: int) -> None:
    """Write a mark and the refused lines it has passed, in one transaction."""
    rows = [(mark.path, r.line, r.offset, r.reason, r.digest, r.text, now_ms) for r in rejects]
    with database.write() as tx:
        tx.executemany(REJECT_INSERT, rows)
        tx.execute(
            _SAVE,
            {
                "head": mark.head, "path": mark.path, "format": mark.format, "offset": mark.offset, "body": mark.body,
                "lines": mark.lines, "facts": mark.facts, "rejected": mark.rejected, "state": mark.state, "now": now_ms,
            },
        )  # fmt: skip


def run_is_recorded(database: Engine, run_id: str) -> bool:
    """Whether the store has this run."""
    return bool(database.read("SELECT 1 FROM runs WHERE id = :id", {"id": run_id}))

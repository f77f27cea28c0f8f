"""Watermarks of imported files and the quarantine of refused lines: the only SQL of the importers.

A mark says as what a file was looked at, how far it was read, and what its reader must remember. It is written after
the facts it stands for: a crash between the two makes the next import read a batch again, where ids keep it from
counting twice. A file that is as its mark says is not even opened.

Light to import: the shell's quick lane asks for marks and nothing else.
"""

from __future__ import annotations

import os

from fedstore.cleaning import clean_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fedstore.engine.protocol import Engine, Reads, Row
    from fedstore.ingest.watching import Seen
    from fedstore.upkeep.rejects import Reject

__all__ = [
    "TO_BE_SEEN", "Known", "Mark", "known_marks", "label", "marks_of", "place_of",
    "run_is_recorded", "save_mark", "save_unknown",
]  # fmt: skip

_COLUMNS = (
    "place", "device", "inode", "size_bytes", "changed_ns", "format", "head_digest", "byte_offset", "body_digest",
    "lines", "facts", "rejected", "due_ms", "state",
)  # fmt: skip
_FIND = f"SELECT {', '.join(_COLUMNS)} FROM import_marks WHERE place = ? OR head_digest = ?"
_KNOWN = (
    "SELECT place, device, inode, size_bytes, changed_ns, format, byte_offset, lines, facts, rejected, due_ms,"
    " CASE WHEN byte_offset = 0 OR format = 'metrics.json' THEN state ELSE '' END"
    " FROM import_marks WHERE size_bytes >= 0"
)
_SAVE = (
    f"INSERT INTO import_marks ({', '.join(_COLUMNS)}, recorded_ms) VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
    f" ON CONFLICT (place) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])},"
    " recorded_ms = excluded.recorded_ms"
)
TO_BE_SEEN = (0, 0, -1, 0)
"""As no file is: one whose mark says so is opened again."""


class Mark:
    """How far a file was read: `offset` bytes whose digest is `body`, `lines` lines, `facts` facts.

    `seen` is the file as it was looked at (see `watching`), `due_ms` from when on time alone completes something.
    """

    __slots__ = (
        "body", "due_ms", "facts", "format", "head", "lines", "offset", "place", "rejected", "seen", "state",
    )  # fmt: skip

    def __init__(
        self,
        place: str,
        head: str,
        format: str,  # noqa: A002 - what the column is called
        offset: int = 0,
        body: str = "",
        lines: int = 0,
        facts: int = 0,
        rejected: int = 0,
        due_ms: int | None = None,
        state: str = "{}",
        seen: Seen = TO_BE_SEEN,
    ) -> None:
        self.place = place
        self.seen = seen
        self.format = format
        self.head = head
        self.offset = offset
        self.body = body
        self.lines = lines
        self.facts = facts
        self.rejected = rejected
        self.due_ms = due_ms
        self.state = state

    def row(self) -> Row:
        """What is stored of it, in the order of the columns."""
        return (
            self.place, *self.seen, self.format, self.head, self.offset, self.body, self.lines, self.facts,
            self.rejected, self.due_ms, self.state,
        )  # fmt: skip


class Known:
    """What a mark says of a file without its being opened; `said` is what is told of it beside its counts (JSON)."""

    __slots__ = ("due_ms", "facts", "format", "rejected", "said", "seen", "unfinished")

    def __init__(
        self,
        seen: Seen,
        format: str,  # noqa: A002 - as above
        offset: int,
        facts: int,
        rejected: int,
        due_ms: int | None,
        said: str,
    ) -> None:
        self.seen = seen
        self.format = format
        self.facts = facts
        self.rejected = rejected
        self.due_ms = due_ms
        self.said = said
        self.unfinished = 0 < offset < seen[2]


def label(path: str | Path) -> str:
    """A path as it is shown and stored: valid text without control characters."""
    return clean_text(os.fsencode(path).decode("utf-8", "replace")).replace("\n", " ")


def place_of(path: str | Path) -> str:
    """Where a file lies, as its mark is known by: its absolute path, told apart where that is no text."""
    whole = os.path.abspath(path)
    shown = label(whole)
    if shown == whole:
        return shown
    from fedstore.ids import stable_id

    return f"{shown} {stable_id(0, os.fsencode(whole).hex())}"


def known_marks(database: Reads, formats: int) -> dict[str, Known]:
    """What is known of every file that was looked at, by its place; one that is not read only by the same formats."""
    found = {}
    for place, device, inode, size, changed_ns, kind, offset, lines, *told in database.read(_KNOWN):
        if offset or lines == formats:
            found[place] = Known((device, inode, size, changed_ns), kind, offset, *told)
    return found


def marks_of(database: Reads, place: str, head: str) -> list[Mark]:
    """The marks of a file at a place or with a first line of this digest, those at the place first."""
    found = []
    for row in database.read(_FIND, (place, head)):
        where, device, inode, size, changed_ns, kind, digest, *rest = row
        mark = Mark(where, digest, kind, *rest)
        mark.seen = device, inode, size, changed_ns
        found.append(mark)
    return sorted(found, key=lambda mark: (mark.place != place, -mark.offset))


def save_mark(
    database: Engine, mark: Mark, rejects: Iterable[Reject], now_ms: int, *, keep_content: bool = False
) -> None:
    """Write a mark and the lines that it has passed and that were refused, in one transaction."""
    from fedstore.upkeep.rejects import REJECT_INSERT, reject_rows

    rows = reject_rows(rejects, now_ms, keep_content=keep_content)
    with database.write() as tx:
        tx.executemany(REJECT_INSERT, rows)
        tx.execute(_SAVE, (*mark.row(), now_ms))


def save_unknown(database: Engine, files: Sequence[tuple[str, Seen, str, str]], formats: int, now_ms: int) -> None:
    """Note that files (place, as they are, format, what is told) are of a format that is not read, or of none ('')."""
    marks = [Mark(place, "", kind, lines=formats, state=said, seen=seen) for place, seen, kind, said in files]
    with database.write() as tx:
        tx.executemany(_SAVE, [(*mark.row(), now_ms) for mark in marks])


def run_is_recorded(database: Reads, run_id: str) -> bool:
    """Whether the store has this run."""
    return bool(database.read("SELECT 1 FROM runs WHERE id = ?", (run_id,)))

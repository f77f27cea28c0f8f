"""How an import tells what it did, in one place for the command and its quick lane."""

from __future__ import annotations

from fedstore.learning.percent import counted

__all__ = ["BOOSTS", "file_line", "total_line"]

BOOSTS = "The metrics hold routing boosts: `fedtop policy import FILE` puts them in force."


def file_line(
    path: str, form: str, taken: int, known: int, rejected: int, note: str = "", *, unfinished: bool = False
) -> str:
    """One file; `path` is safe to print."""
    notes = [note] if note else []
    if unfinished:
        notes.append("the last line is half-written and waits")
    if form and not note:
        notes.insert(0, f"{taken:,} taken, {known:,} already there, {rejected:,} rejected")
    return f"  {path}{f' ({form})' if form else ''} {'; '.join(notes)}"


def total_line(files: int, taken: int, known: int, rejected: int, skipped: int) -> str:
    """All of them."""
    counts = f"{taken:,} taken, {known:,} already there, {rejected:,} rejected"
    left_out = f", {counted(skipped, 'file')} of no known format skipped" if skipped else ""
    return f"{counted(files, 'file')}: {counts}{left_out}"

"""Columns of many rows as one run of bytes each. SQLite joins them in half the time of an object per value."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.engine.protocol import Joined, Parameters, Reads

__all__ = ["joined"]


def joined(source: Reads, columns: Sequence[Joined], of: str, parameters: Parameters) -> tuple[int, list[bytes]]:
    """The number of rows, and each column's values with its separator in between."""
    sums = [f"SUM(LENGTH(CAST({what} AS BLOB)))" for what, between in columns if not between]
    texts = [f"CAST(GROUP_CONCAT({what}, {_literal(between)}) AS BLOB)" for what, between in columns]
    ((count, *found),) = source.read(f"SELECT {', '.join(('COUNT(*)', *sums, *texts))} {of}", parameters)
    if not count:
        return 0, [b""] * len(columns)
    sizes, runs = found[: len(sums)], found[len(sums) :]
    if _are_whole([run for run, (_, between) in zip(runs, columns, strict=True) if not between], sizes):
        return count, runs
    return count, _row_by_row(source, columns, of, parameters)


def _are_whole(runs: Sequence[bytes], sizes: Sequence[int]) -> bool:
    """Whether nothing is missing: SQLite promises nothing about zero bytes in joined text."""
    return list(map(len, runs)) == list(sizes)


def _row_by_row(source: Reads, columns: Sequence[Joined], of: str, parameters: Parameters) -> list[bytes]:
    plain = ", ".join(f"CAST({what} AS BLOB)" for what, _ in columns)
    values = zip(*source.read(f"SELECT {plain} {of}", parameters), strict=True)
    return [between.encode().join(value) for value, (_, between) in zip(values, columns, strict=True)]


def _literal(between: str) -> str:
    return f"CHAR({ord(between)})" if between else "''"

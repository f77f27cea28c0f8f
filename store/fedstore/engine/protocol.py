"""What the layers above use of a database engine, whichever it is.

An `Engine` is one store: it reads, tells whether anything changed, and writes one transaction (`Tx`) at a time. SQL is
of the subset that SQLite and PostgreSQL share, with `?` for parameters; what they say differently is a method here.
Whatever goes wrong with a store comes out as one StoreError. Only types stand here: import it for type checks alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from fedstore.engine.tables import SummaryTable
from fedstore.finding import Finding

__all__ = ["Engine", "Glimpse", "Joined", "Parameters", "Read", "Reads", "Row", "Tx", "Value"]

Value: TypeAlias = str | int | float | bytes | bytearray | None
"""What a column holds; booleans are stored as 0 and 1."""
Parameters: TypeAlias = Sequence[Value] | Mapping[str, Value]
Row: TypeAlias = tuple[Any, ...]
"""One row of an answer: what its values are is known by the statement alone, which no type checker reads."""
Read: TypeAlias = Callable[[str, Parameters], list[Row]]
"""How one asks who only has to answer, be it a store, a snapshot or a transaction."""


Joined: TypeAlias = tuple[str, str]
"""An expression, and the character that comes between two of its values (or none)."""


class Reads(Protocol):
    """What can be asked."""

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of one statement. Raises StoreError."""


class Glimpse(Reads, Protocol):
    """A store that is looked at now and then, and may be missing or locked: nothing is made, checked or migrated."""

    @property
    def serial(self) -> int:
        """Differs when what is read now is not the store that was read before."""

    def close(self) -> None:
        """Let go of it; the next question opens it again."""


class Tx(Protocol):
    """One write that stands or falls as a whole. Only the thread that began it may use it.

    `memo` holds what earlier transactions of this process read and noted there, as long as nobody else has written
    since; `names` the codes of names, which nobody changes as long as the store is the same.
    """

    memo: dict[str, tuple[int, ...]]
    names: dict[str, int]

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of one statement."""

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        """Run one statement for each row; how many rows were really written.

        What makes `rows` must not use the transaction.
        """

    def insert_new(self, sql: str, rows: Iterable[Parameters]) -> Sequence[int]:
        """Run an `INSERT … ON CONFLICT DO NOTHING` for each row; the positions of those that were not there yet.

        Where rows are known one by one only, an engine adds `RETURNING` to the text. What makes `rows` must not use the
        transaction.
        """

    def merge(self, table: SummaryTable, rows: Iterable[Sequence[Value]]) -> None:
        """Add rows to a summary: keys, then sums, then packed distributions, in the table's order.

        A row whose keys are there already is added to it; no two of `rows` may have the same keys.
        """


class Engine(Reads, Protocol):
    """A store that is open. It may be used by many threads; a forked process goes on with connections of its own."""

    @property
    def address(self) -> str:
        """What opens it again from anywhere on this machine, and what messages call it."""

    @property
    def readonly(self) -> bool:
        """Whether it was opened for reading only."""

    def read_joined(self, columns: Sequence[Joined], of: str, parameters: Parameters = ()) -> tuple[int, list[bytes]]:
        """How many rows `of` (`FROM … WHERE …`) has, and the values of each column in one run of bytes.

        For many thousand rows, as whose objects they would be slow; all columns have the rows in the same order.
        Values are texts (as UTF-8), small numbers or packed bytes, never NULL.
        """

    def snapshot(self) -> AbstractContextManager[object]:
        """A context in which all reads of this thread see the store as of one moment."""

    def change_token(self) -> int:
        """A number that differs when something was committed since the last call of this thread (microseconds)."""

    def size_bytes(self) -> int:
        """How much room it takes."""

    def write(self, patience_s: float | None = None) -> AbstractContextManager[Tx]:
        """A transaction of this thread, waiting for other writers at most so many seconds (None: the store's own).

        Raises StoreReadOnlyError for a store opened for reading only.
        """

    def settle(self) -> None:
        """Let go of a transaction that this thread was thrown out of; whoever catches what threw it out calls it."""

    def findings(self) -> Iterable[Finding]:
        """What there is to say about its health: schema, size, soundness, access. Raises StoreError."""

    def close(self) -> None:
        """Close every connection of every thread; a later read or write opens anew."""

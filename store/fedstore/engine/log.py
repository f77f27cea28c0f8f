"""The write-ahead log of a store that is open, and what to do when somebody deletes it under the program.

Whoever has a deleted log open goes on writing into it, where nobody who comes later looks, and the last of them takes
it along. What it holds can still be folded into the store through a connection that has it open, as long as nobody has
begun another log: then pages of two logs would be mixed.
"""

from __future__ import annotations

from fedstore.engine.driver import sqlite3
from fedstore.engine.place import beside, file_bytes, file_identity
from fedstore.errors import StoreBusyError, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.engine.place import Identity

__all__ = ["Log", "LogFiles"]

_FOLD_WAIT_S = 0.1
_HEADER = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""How a log begins (and not with a hole, which is left by who joins a log that is not there)."""


class LogFiles:
    """The files of the log of the store at `place`, as they are now that a connection has them open."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._log = beside(place, "-wal")
        self._index = beside(place, "-shm")
        self._present = self._seen()

    def is_there(self) -> bool:
        """Whether they are still those that were opened."""
        return self._seen() == self._present

    def _seen(self) -> tuple[Identity | None, Identity | None]:
        return file_identity(self._log), file_identity(self._index)


class Log(LogFiles):
    """The log of the store at `place`, which `connection` writes to."""

    def __init__(self, place: str, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._number = self._told()
        super().__init__(place)

    def is_left(self) -> bool:
        """Whether another process has saved the log, which was deleted, and goes on with a new one."""
        return not self.is_there() and self._told() != self._number

    def save(self) -> bool:
        """Fold a log that was deleted into the store; whether it had to be done, or another process has done it.

        Nobody else may be writing. Raises StoreBusyError when a reader is in the way, and StoreError when another log
        has begun meanwhile: what this one held and the store does not is then lost.
        """
        if not file_bytes(self._log):
            self._fold()
            return True
        if self._present[1] == file_identity(self._index) and self._begins_anew():
            return False
        raise StoreError(
            f"the log of {self._place} was deleted or replaced while it was open, and another program has begun a new"
            " one: what was recorded just before may be lost; leave the -wal and -shm files alone while fedtop runs"
        )

    def _fold(self) -> None:
        ask = self._connection.execute
        ((usual_ms,),) = ask("PRAGMA busy_timeout").fetchall()
        ask(f"PRAGMA busy_timeout = {round(_FOLD_WAIT_S * 1000)}").fetchall()
        try:
            ((busy, frames, folded),) = ask("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if not busy and frames == folded:
                self._tell_the_others()
                ((busy, frames, folded),) = ask("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            ask(f"PRAGMA busy_timeout = {usual_ms}").fetchall()
        if busy or frames != folded:
            raise StoreBusyError(
                f"the log of {self._place} was deleted while it was open, and a reader keeps what it holds from being"
                " saved: close other programs that have the store open"
            )

    def _tell_the_others(self) -> None:
        """Have every other writer see, before it writes the next time, that this log is being left."""
        self._number = (self._told() + 1) % 2**31
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(f"PRAGMA user_version = {self._number}")
        self._connection.execute("COMMIT")

    def _told(self) -> int:
        ((number,),) = self._connection.execute("PRAGMA user_version").fetchall()
        return int(number)

    def _begins_anew(self) -> bool:
        """Whether the log at the path was begun by who had saved what the deleted one held."""
        try:
            with open(self._log, "rb") as file:
                return file.read(4) in _HEADER
        except OSError:
            return False

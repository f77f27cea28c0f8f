"""A store in a file of SQLite: which connections there are, and when they are opened anew.

Writes go through one connection, one transaction at a time: a turn among the threads of the process, then the lock
file, then `BEGIN IMMEDIATE`. Reads go through a read-only connection per thread. Opening checks what the file is and
migrates an older store; whatever is wrong with the file comes out as one StoreError that says what to do.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import time
import weakref
from functools import partial

from fedstore.engine import forking
from fedstore.engine.driver import sqlite3
from fedstore.engine.faults import store_error
from fedstore.engine.locking import FileLock
from fedstore.engine.log import LogFiles
from fedstore.engine.migrating import applied_names, asking, create, is_pending, migrate, schema_version, unready
from fedstore.engine.opening import connect_reader, connect_writer, may_stand_still, still_identity
from fedstore.engine.place import beside, file_bytes, file_identity, make_private
from fedstore.engine.reading import ReadSnapshot, ThreadReader
from fedstore.engine.transaction import Patient, Transaction
from fedstore.errors import FedstoreError, StoreBusyError, StoreError, StoreReadOnlyError
from fedstore.settings.paths import in_full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from fedstore.engine.forking import Holdable
    from fedstore.engine.protocol import Joined, Parameters, Row
    from fedstore.finding import Finding

__all__ = ["Database"]

BUSY_TIMEOUT_S = 30.0
LOOK_S = 0.01
"""So often, at most, a writer looks whether its file is still the one at the path: a look costs as much as a row."""
SAVE_AGAIN_S = 1.0
"""After a log that was deleted could not be saved."""


class Database:
    """A store file; a relative path means the folder of now. `readonly` never creates, migrates or writes.

    Raises StoreError when the file is missing, foreign, newer, damaged or not permitted.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False, timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._place = in_full(path)
        self.readonly = readonly
        self._timeout_s = timeout_s
        self._writer: Transaction | None = None
        self._next_look = 0.0
        self._said: set[str] = set()
        self._guard = threading.Lock()
        self._local = threading.local()
        self._readers: weakref.WeakSet[ThreadReader] = weakref.WeakSet()
        self._connections = itertools.count()
        _databases.add(self)
        forking.watch(self)
        self._inspect()
        if readonly:
            self._reader()
        else:
            self._bring_up_to_date()

    @property
    def path(self) -> Path:
        """The file."""
        from pathlib import Path

        return Path(self._place)

    @property
    def address(self) -> str:
        """The file."""
        return self._place

    def size_bytes(self) -> int:
        """Bytes of the file and its log."""
        return file_bytes(self._place) + file_bytes(beside(self._place, "-wal"))

    def findings(self) -> Iterator[Finding]:
        """What there is to say about the file; reads only."""
        from fedstore.engine.health import findings

        return findings(self._place, self)

    # --- reading -------------------------------------------------------------------------------------------

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows; the cursor is never left open, since that would pin the write-ahead log."""
        return self._ask(self._reader(), sql, parameters)

    def _ask(self, reader: ThreadReader, sql: str, parameters: Parameters = ()) -> list[Row]:
        reader.busy = True
        if forking.under_way:
            self._let_fork(reader)
        try:
            return reader.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            self._let_go()
            raise store_error(error, self._place) from error
        except UnicodeEncodeError as error:
            raise FedstoreError(f"{error.object[:80]!r} is no text (UTF-8), so nothing is recorded under it") from error
        finally:
            reader.busy = False

    def read_joined(self, columns: Sequence[Joined], of: str, parameters: Parameters = ()) -> tuple[int, list[bytes]]:
        """How many rows there are, and the values of each column joined, each with its separator in between."""
        from fedstore.engine.joining import joined  # not at the top: what records has no use for it

        return joined(self, columns, of, parameters)

    def change_token(self) -> int:
        """A number that differs when another connection has committed since the last call of this thread, or when
        another file stands at the path. Raises StoreError when none does.
        """
        reader = self._reader_of_present_file()
        return reader.serial << 32 | reader.token

    def snapshot(self) -> ReadSnapshot:
        """A context in which all reads of this thread see the store as of one moment."""
        return ReadSnapshot(self._reader_of_present_file().connection, self._place)

    # --- writing -------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let go of a transaction that this thread was thrown out of; whoever catches what threw it out calls it."""
        if self._writer is not None:
            self._writer.settle()

    def write(self, patience_s: float | None = None) -> Transaction | Patient:
        """A transaction of this thread, waiting for other writers at most so many seconds (None: `timeout_s`).

        Raises StoreReadOnlyError for a read-only store.
        """
        if self.readonly:
            raise StoreReadOnlyError(f"{self._place} is open read-only: leave out --readonly to change it")
        writer, now = self._writer, time.monotonic()
        if writer is None or now >= self._next_look or writer.is_stale:
            self._next_look = now + LOOK_S
            if writer is None or writer.is_over or writer.identity != file_identity(self._place):
                writer = self._begin_anew()
            elif not writer.log.is_there():
                self._save_log(writer)
                writer = self._writer or self._begin_anew()
        return writer if patience_s is None else writer.patient(patience_s)

    def close(self) -> None:
        """Close every connection of every thread; a later read or write opens anew."""
        if self._writer is not None and not self._writer.log.is_there():
            try:
                self._save_log(self._writer)
            except StoreError as error:
                self._say(str(error))
        with self._guard:
            writer, self._writer = self._writer, None
            readers, self._readers = list(self._readers), weakref.WeakSet()
            self._local = threading.local()
        for reader in readers:  # first: the writer, closed last, folds the log into the file
            reader.close()
        if writer is not None:
            alone = writer.turn.acquire()  # False: in the midst of a write of this thread, which fails then
            try:
                writer.close()
            finally:
                if alone:
                    writer.turn.release()

    # --- opening -------------------------------------------------------------------------------------------

    def locks_for_fork(self) -> Iterator[Holdable]:
        """What keeps other threads from writing and opening."""
        writer = self._writer
        if writer is not None and not writer.is_mine():
            yield writer.turn
        yield self._guard

    def is_read(self) -> bool:
        """Whether another thread is reading."""
        me = threading.get_ident()
        return any(reader.busy and reader.thread != me for reader in forking.present(self._readers))

    def _let_fork(self, reader: ThreadReader) -> None:
        """Wait with a read until a fork is over, unless the fork waits for this very thread to end its transaction."""
        while forking.under_way and not (self._writer is not None and self._writer.is_mine()):
            reader.busy = False
            forking.wait()
            reader.busy = True

    def after_fork_in_child(self, held: Iterable[Holdable]) -> None:
        """A forked child must not use its parent's connections, nor hold its lock.

        Locks are not inherited, but SQLite in the child would believe that they are, and take none for connections of
        its own: the log could then be deleted under them. Closing what was inherited makes it forget; what another
        thread was still busy with at the moment of the fork has to stay open.
        """
        if self._writer is not None:
            self._writer.close_in_child(held)
        for reader in list(self._readers):
            reader.close_in_child()
        self._writer, self._guard = None, threading.Lock()
        self._local, self._readers = threading.local(), weakref.WeakSet()

    def _open_writer(self) -> Transaction:
        with self._guard:
            if self._writer is None:
                lock = FileLock(beside(self._place, ".lock"), self._timeout_s)
                try:
                    connection = connect_writer(self._place, self._timeout_s, lock)
                    identity = file_identity(self._place)
                    self._writer = Transaction(connection, lock, self._place, self._timeout_s, identity)
                except BaseException:
                    lock.close()
                    raise
            return self._writer

    def _begin_anew(self) -> Transaction:
        """The file was deleted or replaced: what is written from now on goes where others will look for it.

        The former connection is left to whoever still writes with it.
        """
        with self._guard:
            self._writer = None
        self._bring_up_to_date()
        return self._open_writer()

    def _save_log(self, writer: Transaction) -> None:
        """The log was deleted under the program: save what it held, and let go of it.

        While a reader is in the way, writing goes on as before; it is tried again later. Raises StoreError when what
        the log held is lost.
        """
        try:
            if writer.save_log():
                self._say(f"the log of {self._place} was deleted while it was open: what it held was saved")
        except StoreBusyError as error:
            self._say(str(error))
            self._next_look = time.monotonic() + SAVE_AGAIN_S
            return
        finally:
            if writer.is_over:
                for holder in forking.holders():
                    holder.let_go(self._place)
                writer.close()

    def _say(self, what: str) -> None:
        """Log something once."""
        if what not in self._said:
            import logging

            self._said.add(what)
            logging.getLogger("fedstore").warning("%s; leave the -wal and -shm files alone while fedtop runs", what)

    def let_go(self, place: str) -> None:
        """Open every connection anew, if they are to the file at `place`; whoever is busy with one keeps it."""
        if place == self._place:
            self._let_go()

    def _inspect(self) -> None:
        """Look at the file without opening it.

        Opening it beside SQLite is not allowed: closing it again would drop the locks that SQLite holds on it for
        other connections of this process.
        """
        path = self._place
        if os.path.isdir(path):
            raise StoreError(f"{path} is a folder: name a file in it, such as {os.path.join(path, 'fedtop.db')}")
        if not os.path.exists(path):
            if self.readonly:
                raise StoreError(f"there is no store at {path}: record something first, or try `fedtop demo`")
            return
        if not os.path.isfile(path):
            raise StoreError(f"{path} is a device or a pipe, not a file: choose another path with --store")
        if not os.access(path, os.R_OK):
            raise StoreError(f"{path} cannot be read: check its permissions")

    def _bring_up_to_date(self) -> None:
        try:
            make_private(os.path.realpath(self._place))
            writer = self._open_writer()
            if is_pending(asking(writer.connection), self._place):
                with self.write() as transaction:
                    if is_pending(transaction.execute, self._place):  # another process may have been quicker
                        new = not applied_names(transaction.execute)
                        (create if new else migrate)(transaction.connection)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise store_error(error, self._place) from error
        except BaseException:
            self.close()
            raise

    def _reader(self) -> ThreadReader:
        try:
            reader: ThreadReader = self._local.reader
        except AttributeError:
            reader = self._local.reader = self._open_reader()
            self._readers.add(reader)
        return reader

    def _reader_of_present_file(self) -> ThreadReader:
        """A connection to a file that was deleted or replaced would go on showing what nobody else can see.

        Raises StoreError when another program has brought the file up to a newer schema.
        """
        reader = self._reader()
        if not reader.is_present():
            self._let_go()
            reader = self._reader()
        ((token,),) = self._ask(reader, "PRAGMA data_version")
        if token != reader.token:
            self._check_schema(reader)
            reader.token = token
        return reader

    def _check_schema(self, reader: ThreadReader) -> None:
        """Raises StoreError when the store was brought up to another schema than this program's."""
        ask = partial(self._ask, reader)
        version = schema_version(ask)
        if version != reader.schema_version and is_pending(ask, self._place):
            raise unready(ask, self._place)
        reader.schema_version = version

    def _let_go(self) -> None:
        """Leave every connection to whoever is busy with it, and close the others.

        As long as one is open, SQLite shares with later ones of this process what it holds of the log: the next file,
        or the same one repaired, would be read through the log of the former.
        """
        with self._guard:
            self._writer, self._local = None, threading.local()

    def _absent(self) -> StoreError:
        return StoreError(
            f"there is no store at {self._place} any more: put it back, or record something to begin a new one"
        )

    def _open_reader(self) -> ThreadReader:
        place, serial = self._place, next(self._connections)
        identity = file_identity(place)
        if identity is None:
            raise self._absent()
        try:
            connection = connect_reader(place, "ro", self._timeout_s)
        except StoreError:
            still = still_identity(place)
            if still is None or not may_stand_still(place):
                raise
            connection = connect_reader(place, "ro&immutable=1", self._timeout_s)
            return ThreadReader(*connection, lambda: still_identity(place) == still, serial)
        log = LogFiles(place)
        return ThreadReader(*connection, lambda: file_identity(place) == identity and log.is_there(), serial)


_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def _close_at_exit() -> None:
    """Close what nobody closed. Registered before any background recorder's last flush, so it runs after it."""
    for database in list(_databases):
        database.close()


# weakref's own hook at exit disarms all finalizers, those that close connections too: it has to come after ours.
weakref.finalize(_close_at_exit, int).atexit = False
atexit.register(_close_at_exit)

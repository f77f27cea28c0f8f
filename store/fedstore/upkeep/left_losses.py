"""What recorders lost and could not write into the store: small files beside it, one of each recorder.

A recorder notes what it lost there, because it may end before the store can be written again. Once it can, the recorder
writes the loss into the store and takes its file away; the file of a process that has gone is taken over by whoever
looks after the store next. The doctor tells of all that are there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fedstore.cleaning import clean_text
from fedstore.engine import companion
from fedstore.files import is_gone
from fedstore.upkeep.rejects import LOSS_INSERT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedstore.engine.protocol import Engine

__all__ = ["LeftLoss", "adopt", "file_of", "forget", "left_losses", "note"]

_SUFFIX = ".lost"
_REASON_LIMIT = 500


class LeftLoss(NamedTuple):
    """Facts that a recorder lost: how many, why, and when the first and the last (UTC epoch milliseconds)."""

    facts: int
    reason: str
    first_ms: int
    last_ms: int


def file_of(place: str | Path, number: int) -> Path:
    """Where a recorder of this process notes its losses."""
    return companion(Path(place), f"{_SUFFIX}-{os.getpid()}-{number}")


def note(file: Path, loss: LeftLoss) -> None:
    """Write down a loss, in place of what the file says. Raises OSError."""
    beside = file.with_name(f"{file.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(loss._asdict(), opened)
    beside.replace(file)


def forget(file: Path) -> None:
    """The loss is in the store now."""
    with contextlib.suppress(OSError):
        file.unlink()


def left_losses(place: str | Path) -> tuple[LeftLoss, ...]:
    """What the files beside a store say, the newest loss last."""
    return tuple(sorted((loss for _, _, loss in _files(place)), key=lambda loss: loss.last_ms))


def adopt(database: Engine) -> None:
    """Write the losses of processes that have gone into the store, and take their files away. Raises StoreError."""
    if not any(is_gone(pid) for _, pid, _ in _files(database.address)):
        return
    taken: list[tuple[Path, LeftLoss]] = []
    try:
        with database.write() as tx:  # one at a time: nobody else finds the same files
            for file, pid, loss in _files(database.address):
                if is_gone(pid):
                    tx.execute(LOSS_INSERT, (loss.facts, loss.reason, loss.first_ms, loss.last_ms))
                    forget(file)
                    taken.append((file, loss))
    except BaseException:
        for file, loss in taken:  # it was not written after all
            with contextlib.suppress(OSError):
                note(file, loss)
        raise


def _files(place: str | Path) -> Iterator[tuple[Path, int, LeftLoss]]:
    """The files, the process of each, and what it says; what is none of ours is left alone."""
    near = companion(Path(place), _SUFFIX)
    ours = re.compile(rf"{re.escape(near.name)}-(\d{{1,10}})-\d+", re.ASCII)
    with contextlib.suppress(OSError):
        for file in sorted(near.parent.iterdir()):
            found = ours.fullmatch(file.name)
            loss = None if found is None else _read(file)
            if found is not None and loss is not None:
                yield file, int(found[1]), loss


def _read(file: Path) -> LeftLoss | None:
    try:
        said = json.loads(file.read_bytes())
        count, first, last = (int(said[name]) for name in ("facts", "first_ms", "last_ms"))
        return LeftLoss(count, clean_text(str(said["reason"]), _REASON_LIMIT), first, last) if count > 0 else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None

"""What an import did, file by file: facts taken, facts already there, lines rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from fedstore.errors import FedstoreError

__all__ = ["MAX_REASONS", "FileReport", "ImportFailedError", "ImportReport"]

MAX_REASONS = 20


class ImportFailedError(FedstoreError):
    """A path that cannot be imported; the message says why."""


@dataclass(slots=True)
class FileReport:
    """One file. `known` facts were already in the store; `note` says why a file was not (fully) read."""

    path: str
    format: str
    taken: int = 0
    known: int = 0
    rejected: int = 0
    unfinished: bool = False
    """The last line is half-written; it is read when it is whole."""
    note: str = ""
    boosts: dict[str, dict[str, float]] = field(default_factory=dict)
    """Routing boosts the file holds: agent, then task type ("" for all of them)."""
    reasons: list[tuple[int, str]] = field(default_factory=list)
    """Line number and reason of the first `MAX_REASONS` lines that were rejected this time."""

    def refuse(self, refused: Iterable[tuple[int, str]]) -> None:
        """Note some more of the reasons, as far as there is room."""
        self.reasons += islice(refused, max(0, MAX_REASONS - len(self.reasons)))

    def add(self, news: FileReport) -> None:
        """Add what was found in the same file later."""
        self.taken += news.taken
        self.known += news.known
        self.rejected += news.rejected
        self.unfinished, self.note = news.unfinished, news.note
        self.boosts.update(news.boosts)
        self.refuse(news.reasons)


@dataclass(slots=True)
class ImportReport:
    """All files of one import. `skipped` files are of no known format."""

    files: list[FileReport] = field(default_factory=list)
    skipped: int = 0
    waiting: str = ""
    """Why nothing could be written; whoever follows tries again."""

    def add(self, news: ImportReport) -> None:
        """Add a later round, file by file: a report grows with the files and not with the rounds."""
        self.waiting = news.waiting
        known = {file.path: file for file in self.files}
        for file in news.files:
            if file.path in known:
                known[file.path].add(file)
            else:
                self.files.append(file)
                known[file.path] = file

    @property
    def taken(self) -> int:
        """Facts that were new."""
        return sum(file.taken for file in self.files)

    @property
    def known(self) -> int:
        """Facts that were already there."""
        return sum(file.known for file in self.files)

    @property
    def rejected(self) -> int:
        """Lines that were refused; each is in the table `rejects` with its reason."""
        return sum(file.rejected for file in self.files)

    @property
    def boosts(self) -> dict[str, dict[str, float]]:
        """Routing boosts of all files, the last file of an agent winning."""
        return {agent: boosts for file in self.files for agent, boosts in file.boosts.items()}

"""What every reader of lines is: it turns the values of a file's lines into facts, one line after the other.

A reader may hold back what later lines or time complete; what it holds is its `state`, with which another process can
go on. Whoever reads a file says where each line stands, so that a fact refused later names the line that told it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from fedstore.errors import EventError
from fedstore.facts.events import Given
from fedstore.ids import LATEST_MS
from fedstore.json_value import JsonObject

__all__ = ["Fact", "Held", "LineFormat", "LineReader", "Place", "State", "Told", "ungraded"]


class Place(NamedTuple):
    """Where a line stands in its file: its number from 1, its first byte, and its length in bytes with its end."""

    number: int
    offset: int
    size: int


Fact: TypeAlias = Given
"""An event, or a mapping that describes one: it is checked when it is written, so a reader need not."""
State: TypeAlias = dict[str, Any]
"""What a reader must remember to go on later, as JSON keeps it; what is in it each reader says for itself."""


class Held(NamedTuple):
    """What an earlier line told: a fact that was held back, or why there is none."""

    fact: Fact | EventError
    place: Place


Told: TypeAlias = Fact | EventError | Held
"""What a line completes: a fact, or why a part of the line is none. Without a place it is the present line's."""


class LineReader:
    """Reads the values of a file's lines in order. Whatever it raises refuses the line, which then never was."""

    place = Place(0, 0, 0)
    """Where the present line stands; set before each `read`."""
    latest_ms = LATEST_MS
    """What lies behind this moment will be refused as a time of the future: nothing else may take its time from it."""

    def skim(self, raw: bytes) -> object:  # noqa: ARG002 - most look at all of their lines
        """The value of a line as far as `read` looks at it, where its first bytes tell that; None: parse the line.

        Nothing that a torn line, or a second record on it, could tell may get lost.
        """
        return None

    def read(self, value: object) -> Sequence[Told]:
        """The facts that this value completes. Raises EventError for a value that makes no sense."""
        raise NotImplementedError

    def finish(self, now_ms: int) -> Sequence[Told]:  # noqa: ARG002 - most hold nothing back
        """The facts that nothing more can change, at the end of the file at `now_ms`."""
        return ()

    def running(self) -> Sequence[Fact]:
        """The runs in progress."""
        return ()

    def due_ms(self) -> int | None:
        """From when on `finish` has something to give though no line came; None while nothing is held back."""
        return None

    def state(self) -> Mapping[str, object]:
        """What must be remembered to go on later, as JSON."""
        return {}


class LineFormat(NamedTuple):
    """A format of one JSON value per line: what it is called, whether a value is of it, and who reads it.

    `reader` makes a reader from the state of an earlier one and the file. A format that is known but not read has none,
    and says in `instead` what to do. One that is `one_sided` can tell that a run failed, never that it succeeded: the
    runs that it tells of are `ungraded`.
    """

    name: str
    recognises: Callable[[JsonObject], bool]
    reader: Callable[[State, Path], LineReader] | None = None
    instead: str = ""
    one_sided: bool = False


def ungraded(fact: Fact) -> Fact:
    """The fact without a word on whether the run succeeded, if it is a run; in which error it ended stays.

    Of outcomes that can only be one way no rate can be made: the failures of 6 runs of 3,000 look like 0 of 6.
    """
    if isinstance(fact, Mapping):
        return fact if fact.get("kind") != "run" or fact.get("success") is None else {**fact, "success": None}
    return fact if fact.kind != "run" or fact.success is None else fact.model_copy(update={"success": None})

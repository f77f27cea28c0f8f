"""Lines into facts: a reader's, with the place of the line that told each, and what is refused and why.

Whatever a reader raises refuses the value that it failed on, and that value never was: the reader is brought back to
where it stood by reading again, without it, what came since its state was last known. So a line costs no neighbour.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import orjson
from pydantic import ValidationError

from fedstore.errors import EventError, Reason
from fedstore.ids import LATEST_MS
from fedstore.ingest.lines import Line, Parsed, parse_line
from fedstore.ingest.reader import Fact, Held, LineReader, Place, Told
from fedstore.recording.writer import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fedstore.ingest.reader import State

    Lines = Callable[[int, int], Iterator[Line]]
    """The lines of the file from an offset on, the first of which has the number after the given one."""

__all__ = ["Gatherer", "Refusal", "reason_of"]


class Refusal(NamedTuple):
    """A line, or a piece of one, that is no fact: where, why, and its bytes where they are at hand."""

    place: Place
    reason: str
    raw: bytes | None = None


def reason_of(error: Exception) -> Reason:
    """Why something was refused, in one line."""
    if isinstance(error, ValidationError):
        return explain(error)
    if isinstance(error, EventError):
        return error.reason
    return Reason(f"cannot be read: {type(error).__name__} in one of its values")


class _Since(NamedTuple):
    """A state of the reader that is known: after which line, and how many of the facts gathered came before."""

    state: bytes
    offset: int
    number: int
    facts: int


class Gatherer:
    """Feeds a reader that `make` gives for a state. `facts` and `refused` grow until somebody takes them.

    `latest_ms` is for the reader.
    `lines` reads the file again from a place on.
    """

    def __init__(self, make: Callable[[State], LineReader], lines: Lines, offset: int, number: int, state: str) -> None:
        self.facts: list[Held] = []
        self.refused: list[Refusal] = []
        self.latest_ms = LATEST_MS
        self._make = make
        self._lines = lines
        self._since = _Since(state.encode(), offset, number, 0)
        self._failed: set[tuple[int, int]] = set()
        self._moved = False
        self._after = offset, number
        self._reader = make(orjson.loads(state))

    def skim(self, raw: bytes) -> Parsed | None:
        """A line that need not be parsed as a whole."""
        value = self._reader.skim(raw)
        return None if value is None else Parsed([value])

    def take(self, line: Line, parsed: Parsed) -> None:
        """Gather what a line tells."""
        if self._moved:
            self._remember(*self._after)
        self._after = line.offset + line.size, line.number
        self._reader.latest_ms = self.latest_ms
        place = self._reader.place = Place(line.number, line.offset, line.size)
        if parsed.reason:
            self.refused.append(Refusal(place, parsed.reason, parsed.torn))
        for index, value in enumerate(parsed.values):
            try:
                told = self._reader.read(value)
                if told:
                    self.facts += _placed(told, place)
            except Exception as error:  # noqa: BLE001 - whatever a reader raises is about what it was given
                self.refused.append(Refusal(place, reason_of(error), line.raw))
                self._go_back(place, index)
                self._reader.place = place

    def finish(self, now_ms: int, place: Place) -> None:
        """Gather what nothing more can change, at the end of the file."""
        try:
            self.facts += _placed(self._reader.finish(now_ms), place)
        except Exception as error:  # noqa: BLE001 - as above; what was held back cannot be told
            self.refused.append(Refusal(place, reason_of(error)))
            self._reader = self._make({})

    def running(self) -> Sequence[Fact]:
        """The runs in progress."""
        try:
            return self._reader.running()
        except Exception:  # noqa: BLE001 - it is told when it ends, or refused then
            return ()

    def due_ms(self) -> int | None:
        """From when on there is something to finish."""
        return self._reader.due_ms()

    def state(self) -> str:
        """What must be remembered to go on later, as JSON."""
        return _dumps(self._reader.state()).decode()

    def taken(self, offset: int, number: int) -> tuple[list[Held], list[Refusal]]:
        """What was gathered up to a line, for whoever writes it now."""
        told, self.facts = self.facts, []
        facts = []
        for held in told:
            if isinstance(held.fact, EventError):
                self.refused.append(Refusal(held.place, str(held.fact)))
            else:
                facts.append(held)
        refused, self.refused = self.refused, []
        self._remember(offset, number)
        return facts, refused

    def _remember(self, offset: int, number: int) -> None:
        self._since = _Since(_dumps(self._reader.state()), offset, number, len(self.facts))
        self._failed.clear()
        self._moved = False

    def _go_back(self, place: Place, index: int) -> None:
        """Bring the reader to where it stood before a value that it failed on."""
        self._moved = True
        if self._since.state == b"{}" and not self._reader.state():
            return
        self._failed.add((place.number, index))
        self._reader = self._make(orjson.loads(self._since.state))
        self._reader.latest_ms = self.latest_ms
        del self.facts[self._since.facts :]
        for number, at, value, where in self._values_since(place):
            if (number, at) not in self._failed and (number, at) < (place.number, index):
                self.facts += _read(self._reader, value, where)

    def _values_since(self, place: Place) -> Iterator[tuple[int, int, object, Place]]:
        for line in self._lines(self._since.offset, self._since.number):
            if line.number > place.number:
                return
            where = Place(line.number, line.offset, line.size)
            for at, value in enumerate(parse_line(line.raw or b"").values):
                yield line.number, at, value, where


def _dumps(state: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(state)
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(state).encode()


def _read(reader: LineReader, value: object, place: Place) -> list[Held]:
    reader.place = place
    return _placed(reader.read(value), place)


def _placed(told: Iterable[Told], place: Place) -> list[Held]:
    return [one if isinstance(one, Held) else Held(one, place) for one in told]

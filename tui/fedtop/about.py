"""What facts a view tells of, so that one with nothing to show can say when there was something.

A store holds histories of several ages: last year's decisions beside this morning's runs. "Newest" is therefore asked
of the facts that the view at hand is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedstore import Window
from fedtop.sanitize import clean

if TYPE_CHECKING:
    from fedstore import Reader
    from fedstore.queries.models import Topic

__all__ = ["ANYTHING", "About"]

_WORDS: Final[dict[Topic, tuple[str, str]]] = {
    "any": ("fact", "fact"),
    "agent": ("activity of an agent", "activity of {}"),
    "task_type": ("task", "task of type {}"),
    "spend": ("spend", "spend"),
    "tool": ("execution of a tool", "execution of {}"),
    "layer": ("decision", "decision that came to {}"),
}


@dataclass(frozen=True, slots=True)
class About:
    """Facts of a topic, of one name where it is not empty; ``span`` is the window of a view with one of its own."""

    topic: Topic = "any"
    name: str = ""
    span: str = ""

    @property
    def words(self) -> str:
        """What such a fact is called: `decision`, `execution of grep`."""
        one, named = _WORDS[self.topic]
        return named.format(clean(self.name, 40)) if self.name else one

    def newest_ms(self, reader: Reader) -> int | None:
        """When the newest of them happened, in epoch milliseconds; None where there are none."""
        return reader.newest_ms(self.topic, self.name)

    def window(self, window: Window) -> Window:
        """What the view reads when this window is asked for: trust in tools always rests on 30 days."""
        if self.span:
            return Window.ending(self.span, window.end_ms - 1, live=window.live)
        return window.rolling() if self.topic == "tool" else window

    def is_past(self, newest_ms: int | None, window: Window) -> bool:
        """Whether all of them lie before what the view reads."""
        return newest_ms is not None and newest_ms < self.window(window).start_ms

    def is_later(self, newest_ms: int | None, window: Window) -> bool:
        """Whether some of them lie after what the view reads."""
        return newest_ms is not None and newest_ms >= self.window(window).end_ms


ANYTHING: Final = About()

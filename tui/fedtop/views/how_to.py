"""What a panel says when its window holds nothing: how data get in, and the keys that look further.

Never zeros and never an empty table: nothing recorded is not the same as nothing happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.views.text_lines import TextLines

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HowTo", "how_to_lines"]

_LONGER = ("w", "longer window")
_KEYS = ((",", "back in time"), ("?", "help"))


def how_to_lines(missing: str, ways: Sequence[tuple[str, str]], *, window: bool = True) -> list[Text]:
    """`missing`, then one line per way as (how, what to type), then the keys; `window`: where a longer one helps."""
    width = max((len(how) for how, _ in ways), default=0)
    lines = [Text(missing, "bold"), Text("")]
    lines += [Text.assemble((f"{how:<{width}}  ", "$dim"), (what, "$accent")) for how, what in ways]
    keys = Text()
    for key, label in (_LONGER, *_KEYS) if window else _KEYS:
        keys.append(key, "bold $accent").append(f" {label}   ", "$dim")
    return [*lines, Text(""), keys]


class HowTo(TextLines):
    """The empty state of one panel; its stylesheet shows it while the panel has the class `-nothing`."""

    DEFAULT_CSS = """
    HowTo {
        display: none;
        padding: 1 2;
    }
    """

    def __init__(self, missing: str, ways: Sequence[tuple[str, str]], *, window: bool = True) -> None:
        super().__init__(id="how-to")
        self._items = tuple(how_to_lines(missing, ways, window=window))

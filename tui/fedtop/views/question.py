"""What a view asks before the store is changed; the frame puts it on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedtop.views.text_lines import Item

__all__ = ["Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a title, what will happen line by line, a warning, and the word on the button."""

    title: str
    lines: tuple[Item, ...]
    verb: str
    caution: str = ""

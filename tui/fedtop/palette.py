"""How the name of a colour becomes a colour, and which name belongs to what.

Widgets and formatters write `$ok`, `bold $hue-2`, `$fg on $heat-3` as the style of a rich Text; a `Palette`
built from the variables of the active theme resolves them. What a theme does not name is derived from its
base colours. Layers and models have one hue each, the same on every screen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rich.errors import StyleSyntaxError
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HEAT_STEPS", "HUES", "PLAIN", "TERMINAL", "Palette", "heat", "hue"]

HUES: Final = 10
HEAT_STEPS: Final = 5
_FIXED: Final = {
    "keyword": 0,
    "semantic": 1,
    "rag": 2,
    "pytorch": 3,
    "clarification": 4,
    "clarify": 4,
    "user_clarification": 4,
}


def hue(name: str) -> str:
    """The style name (`$hue-0` … `$hue-9`) of a layer, model or agent: fixed for known layers, hashed for others."""
    known = _FIXED.get(name.casefold())
    if known is not None:
        return f"$hue-{known}"
    from hashlib import blake2s  # it brings a library of its own; the first frame has no hue

    digest = blake2s(name.casefold().encode("utf-8", "replace"), digest_size=2).digest()
    free = (0, 1, 2, 3, 5, 6, 7, 8, 9)
    return f"$hue-{free[int.from_bytes(digest) % len(free)]}"


def heat(fraction: float | None) -> str:
    """The background style name of a success rate: below 50, 65, 80, 90 per cent and above (`$heat-0` …
    `$heat-4`).
    """
    if fraction is None:
        return "$bg"
    return f"$heat-{sum(fraction >= step for step in (0.50, 0.65, 0.80, 0.90))}"


TERMINAL: Final[dict[str, str]] = {
    "bg": "default",
    "fg": "default",
    "ok": "green",
    "warn": "yellow",
    "alert": "red",
    "info": "blue",
    "accent": "cyan",
    "ok-fill": "green",
    "warn-fill": "yellow",
    "alert-fill": "red",
    "info-fill": "blue",
    "dim": "bright_black",
    "faint": "bright_black",
    "rule": "bright_black",
    "cursor": "bright_black",
    "cursor-cell": "blue",
    "blurred": "default",
    "changed": "bright_black",
    "match": "yellow",
    "head": "default",
    "heat-0": "red",
    "heat-1": "default",
    "heat-2": "default",
    "heat-3": "default",
    "heat-4": "green",
    **{
        f"hue-{i}": c
        for i, c in enumerate(
            (
                "cyan",
                "blue",
                "magenta",
                "bright_magenta",
                "bright_black",
                "yellow",
                "bright_blue",
                "bright_red",
                "bright_cyan",
                "bright_magenta",
            )
        )
    },
}


_MARKED: Final = {"cursor": "reverse", "match": "reverse", "changed": "underline"}
"""What a terminal's own colours mark without a background: any of its sixteen would hide a text of the same."""


class Palette:
    """Resolves style names to Rich styles; immutable, cheap to ask twice.

    `colors` maps a name without the `$` to anything Rich takes for a colour. An unknown name or a malformed
    style resolves to no style: a wrong colour must never end the pane.
    """

    def __init__(self, colors: Mapping[str, str]) -> None:
        self.colors = dict(colors)
        self._marked = _MARKED if self.colors.get("bg") == TERMINAL["bg"] else {}
        self._styles: dict[str, Style] = {}

    def style(self, spec: str | Style) -> Style:
        """`bold $ok on $heat-3` → a Rich style."""
        if isinstance(spec, Style):
            return spec
        known = self._styles.get(spec)
        if known is None:
            known = self._styles[spec] = self._parse(spec)
        return known

    def _parse(self, spec: str) -> Style:
        words = [self.colors.get(w[1:], "default") if w.startswith("$") else w for w in self._unground(spec.split())]
        try:
            return Style.parse(" ".join(words))
        except StyleSyntaxError:
            return Style.null()

    def _unground(self, words: list[str]) -> list[str]:
        for at, (on, ground) in enumerate(pairwise(words)):
            if on == "on" and ground[1:] in self._marked:
                return [*words[:at], self._marked[ground[1:]], *words[at + 2 :]]
        return words

    def resolve(self, text: Text) -> Text:
        """A copy of `text` in which every style name has become a style."""
        resolved = Text(text.plain, no_wrap=True, end="")
        resolved.stylize(self.style(text.style))  # as a span: Rich drops the base style of a text without spans
        for start, end, style in text.spans:
            resolved.stylize(self.style(style), start, end)
        return resolved


PLAIN: Final = Palette({})

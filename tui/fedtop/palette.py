"""How the name of a colour becomes a colour, and which name belongs to what.

Widgets and formatters write `$ok`, `bold $hue-2`, `$fg on $heat-3` as the style of a rich Text; a `Palette`
built from the variables of the active theme resolves them. What a theme does not name is derived from its
base colours. Layers and models have one hue each, the same on every screen.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.errors import StyleSyntaxError
from rich.style import Style
from rich.text import Text
from textual.color import Color, ColorParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DARK_HUES",
    "HEAT_STEPS",
    "HUES",
    "LIGHT_HUES",
    "PLAIN",
    "TERMINAL",
    "Palette",
    "derive",
    "heat",
    "hue",
    "palette_of",
]

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
DARK_HUES: Final = (
    "#56b6c2",
    "#6ea8fe",
    "#a78bfa",
    "#e08ad6",
    "#98a5b3",
    "#c9a37e",
    "#8fb8de",
    "#d98cab",
    "#7fb5a5",
    "#b5a6e0",
)
LIGHT_HUES: Final = (
    "#0c6d78",
    "#1f5fbf",
    "#6d43c9",
    "#a8328f",
    "#56636f",
    "#80542a",
    "#2a6590",
    "#9a3a5f",
    "#2b6b5e",
    "#5b4a9c",
)


def hue(name: str) -> str:
    """The style name (`$hue-0` … `$hue-9`) of a layer, model or agent: fixed for known layers, hashed for
    others.
    """
    known = _FIXED.get(name.casefold())
    if known is not None:
        return f"$hue-{known}"
    digest = hashlib.blake2s(name.casefold().encode("utf-8", "replace"), digest_size=2).digest()
    free = (0, 1, 2, 3, 5, 6, 7, 8, 9)
    return f"$hue-{free[int.from_bytes(digest) % len(free)]}"


def heat(fraction: float | None) -> str:
    """The background style name of a success rate: below 50, 65, 80, 90 per cent and above (`$heat-0` …
    `$heat-4`).
    """
    if fraction is None:
        return "$bg"
    return f"$heat-{sum(fraction >= step for step in (0.50, 0.65, 0.80, 0.90))}"


def derive(variables: Mapping[str, str]) -> dict[str, str]:
    """Every colour name widgets may use, as hex, from a theme's CSS variables; what the theme sets itself
    wins.
    """
    bg, fg = _color(variables, "background", "#111418"), _color(variables, "foreground", "#d7dde5")
    if bg.ansi is not None or fg.ansi is not None:
        return {**TERMINAL, **{k: v for k, v in variables.items() if k in TERMINAL and v.startswith("#")}}
    base = {
        "ok": _color(variables, "success", "#7fc98f"),
        "warn": _color(variables, "warning", "#e5b567"),
        "alert": _color(variables, "error", "#f07178"),
        "info": _color(variables, "secondary", "#7aa2c8"),
        "accent": _color(variables, "accent", "#4fc1e9"),
    }
    base = {name: _color(variables, name, color.hex) for name, color in base.items()}
    dark = bg.brightness < 0.5
    names = {"bg": bg, "fg": fg, **base, **_tints(bg, fg, base)}
    names |= {f"hue-{i}": Color.parse(c) for i, c in enumerate(DARK_HUES if dark else LIGHT_HUES)}
    found = {name: color.rgb for name, color in names.items()}
    return {name: _color(variables, name, _hex(rgb)).hex for name, rgb in found.items()}


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _color(variables: Mapping[str, str], name: str, default: str) -> Color:
    try:
        color = Color.parse(variables.get(name, default))
    except ColorParseError:
        color = Color.parse(default)
    return color if color.a == 1 or color.ansi is not None else Color.parse(default)


def _tints(bg: Color, fg: Color, base: Mapping[str, Color]) -> dict[str, Color]:
    return {
        "dim": bg.blend(fg, 0.62),
        "faint": bg.blend(fg, 0.30),
        "rule": bg.blend(fg, 0.20),
        "cursor": bg.blend(base["accent"], 0.24),
        "cursor-cell": bg.blend(base["accent"], 0.42),
        "blurred": bg.blend(fg, 0.09),
        "changed": bg.blend(base["info"], 0.30),
        **{f"{name}-fill": bg.blend(base[name], 0.62) for name in ("ok", "warn", "alert", "info")},
        "match": bg.blend(base["warn"], 0.35),
        "head": bg.blend(fg, 0.05),
        "heat-0": bg.blend(base["alert"], 0.34),
        "heat-1": bg.blend(base["alert"], 0.19),
        "heat-2": bg.blend(fg, 0.09),
        "heat-3": bg.blend(base["ok"], 0.17),
        "heat-4": bg.blend(base["ok"], 0.32),
    }


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


class Palette:
    """Resolves style names to Rich styles; immutable, cheap to ask twice.

    `colors` maps a name without the `$` to anything Rich takes for a colour. An unknown name or a malformed
    style resolves to no style: a wrong colour must never end the pane.
    """

    def __init__(self, colors: Mapping[str, str]) -> None:
        self.colors = dict(colors)
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
        words = (self.colors.get(w[1:], "default") if w.startswith("$") else w for w in spec.split())
        try:
            return Style.parse(" ".join(words))
        except StyleSyntaxError:
            return Style.null()

    def resolve(self, text: Text) -> Text:
        """A copy of `text` in which every style name has become a style."""
        resolved = Text(text.plain, no_wrap=True, end="")
        resolved.stylize(
            self.style(text.style)
        )  # as a span: Rich drops the base style of a text without spans
        for start, end, style in text.spans:
            resolved.stylize(self.style(style), start, end)
        return resolved


PLAIN: Final = Palette({})


@lru_cache(maxsize=8)
def _cached(variables: tuple[tuple[str, str], ...]) -> Palette:
    return Palette(derive(dict(variables)))


def palette_of(variables: Mapping[str, str]) -> Palette:
    """The palette of the active theme, from `App.theme_variables`; the same object while the theme is the
    same.
    """
    return _cached(tuple(sorted((k, v) for k, v in variables.items() if k in _SOURCES)))


_SOURCES: Final = frozenset(
    {"background", "foreground", "success", "warning", "error", "secondary", *TERMINAL}
)

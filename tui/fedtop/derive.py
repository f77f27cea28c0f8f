"""Every colour name of fedtop from the few colours of any Textual theme.

What a theme sets itself wins; the rest is mixed from background, foreground and the state colours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from textual.color import Color, ColorParseError

from fedtop.palette import TERMINAL, Palette

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DARK_HUES", "LIGHT_HUES", "derive", "palette_of"]

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


def derive(variables: Mapping[str, str]) -> dict[str, str]:
    """Every colour name widgets may use, as hex, from a theme's CSS variables; what the theme sets itself wins."""
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


@lru_cache(maxsize=8)
def _cached(variables: tuple[tuple[str, str], ...]) -> Palette:
    return Palette(derive(dict(variables)))


def palette_of(variables: Mapping[str, str]) -> Palette:
    """The palette of the active theme, from `App.theme_variables`; the same object while the theme is the same."""
    return _cached(tuple(sorted((k, v) for k, v in variables.items() if k in _SOURCES)))


_SOURCES: Final = frozenset({"background", "foreground", "success", "warning", "error", "secondary", *TERMINAL})

"""The themes of fedtop: dark, light, and one for colour-blind eyes (blue for good, orange for bad).

Each offers every colour name of `palette` as a CSS variable; `defaults_for` gives the same names to any
other theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.theme import Theme

from fedtop.derive import DARK_HUES, LIGHT_HUES, derive, palette_of
from fedtop.palette import HEAT_STEPS, HUES, PLAIN, TERMINAL, Palette, heat, hue

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HEAT_STEPS",
    "HUES",
    "PLAIN",
    "TERMINAL",
    "THEMES",
    "Palette",
    "defaults_for",
    "derive",
    "heat",
    "hue",
    "palette_of",
    "variables_of",
]

_CONTRAST_HUES: Final = (
    "#5ecbff",
    "#8fb4ff",
    "#c9b6ff",
    "#ffb3e6",
    "#c4ccd4",
    "#ffcf99",
    "#a8d8ff",
    "#ffc2d1",
    "#a5e0d0",
    "#dcd0ff",
)


def variables_of(theme: Theme) -> dict[str, str]:
    """The CSS variables of a theme, as the app would compute them while it is active."""
    return {**theme.to_color_system().generate(), **theme.variables}


def defaults_for(theme: Theme) -> dict[str, str]:
    """For `App.get_theme_variable_defaults`: the names fedtop's stylesheets use, for a theme that lacks them."""
    names = derive(variables_of(theme))
    return {k: v if v.startswith("#") else f"ansi_{v}" for k, v in names.items() if k != "accent"}


def _theme(name: str, dark: bool, base: Mapping[str, str], hues: tuple[str, ...]) -> Theme:
    """A Textual theme whose variables hold every fedtop colour, so that `.tcss` files can say `$dim` and `$hue-2`."""
    own = {f"hue-{i}": color for i, color in enumerate(hues)} | {k: base[k] for k in ("dim", "faint") if k in base}
    names = derive(
        {
            **base,
            "success": base["ok"],
            "warning": base["warn"],
            "error": base["alert"],
            "secondary": base["info"],
            **own,
        }
    )
    variables = {k: v for k, v in names.items() if k != "accent"} | {
        "block-cursor-background": names["cursor-cell"],
        "block-cursor-foreground": names["fg"],
        "block-cursor-text-style": "bold",
        "border": names["accent"],
        "border-blurred": names["rule"],
        "footer-background": base["surface"],
        "footer-key-foreground": names["accent"],
        "footer-description-foreground": names["dim"],
        "scrollbar": names["rule"],
        "scrollbar-background": base["background"],
        "scrollbar-background-hover": base["background"],
        "scrollbar-background-active": base["background"],
        "scrollbar-hover": names["faint"],
        "scrollbar-active": names["accent"],
        "scrollbar-corner-color": base["background"],
        "input-selection-background": f"{names['accent']} 35%",
    }
    return Theme(
        name=name,
        primary=base["accent"],
        secondary=base["info"],
        accent=base["accent"],
        success=base["ok"],
        warning=base["warn"],
        error=base["alert"],
        foreground=base["foreground"],
        background=base["background"],
        surface=base["surface"],
        panel=base["panel"],
        dark=dark,
        variables=variables,
    )


_DARK: Final = {
    "background": "#101419",
    "surface": "#161b22",
    "panel": "#1c232c",
    "foreground": "#d5dce4",
    "ok": "#7fc98f",
    "warn": "#e5b567",
    "alert": "#f47c82",
    "info": "#86a9cc",
    "accent": "#5bbfe6",
    "dim": "#8d99a6",
}
_LIGHT: Final = {
    "background": "#fbfaf8",
    "surface": "#f2f1ee",
    "panel": "#e9e7e3",
    "foreground": "#20262d",
    "ok": "#1b6e38",
    "warn": "#7d4e00",
    "alert": "#a8221b",
    "info": "#2a5f96",
    "accent": "#0a5c99",
    "dim": "#5d6670",
}
_CONTRAST: Final = {
    "background": "#000000",
    "surface": "#0a0a0a",
    "panel": "#1a1a1a",
    "foreground": "#ffffff",
    "ok": "#8accff",
    "warn": "#ffe08a",
    "alert": "#ff7d1f",
    "info": "#c9d3df",
    "accent": "#e8e8e8",
    "dim": "#b4b4b4",
}
THEMES: Final = (
    _theme("fedtop-dark", True, _DARK, DARK_HUES),
    _theme("fedtop-light", False, _LIGHT, LIGHT_HUES),
    _theme("fedtop-contrast", True, _CONTRAST, _CONTRAST_HUES),
)

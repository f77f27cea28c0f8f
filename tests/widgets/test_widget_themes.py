"""Themes: readable by WCAG AA, complete, and one hue per layer wherever it appears."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from fedtop.themes import (
    HUES,
    TERMINAL,
    THEMES,
    Palette,
    defaults_for,
    derive,
    heat,
    hue,
    palette_of,
    variables_of,
)

STATES = ("fg", "dim", "ok", "warn", "alert", "info", "accent", *(f"hue-{i}" for i in range(HUES)))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(theme) -> dict[str, str]:
    return derive(variables_of(theme))


def test_the_measure_itself():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_text_is_readable_on_every_ground(theme):
    names = colours(theme)
    for ground in (names["bg"], theme.surface, theme.panel):
        low = {n: round(contrast(names[n], ground), 2) for n in STATES if contrast(names[n], ground) < 4.5}
        assert not low, ground


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_text_is_readable_under_cursor_highlight_and_heat(theme):
    names = colours(theme)
    grounds = ["cursor", "cursor-cell", "blurred", "changed", "match", *(f"heat-{i}" for i in range(5))]
    assert {g: contrast(names["fg"], names[g]) for g in grounds if contrast(names["fg"], names[g]) < 4.5} == {}
    for ground in ("cursor", "blurred"):
        for state in ("ok", "warn", "alert", "info", "dim"):
            assert contrast(names[state], names[ground]) >= 3.0, (state, ground)


def test_contrast_theme_tells_states_apart_without_red_and_green():
    names = colours(next(t for t in THEMES if t.name == "fedtop-contrast"))
    for a, b in combinations(("ok", "warn", "alert"), 2):
        assert abs(luminance(names[a]) - luminance(names[b])) > 0.05, (a, b)
    red, _, blue = (int(names["ok"][i : i + 2], 16) for i in (1, 3, 5))
    assert blue > red
    red, _, blue = (int(names["alert"][i : i + 2], 16) for i in (1, 3, 5))
    assert red > blue


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda t: t.name)
def test_every_theme_gives_every_name(theme):
    names = derive(variables_of(theme))
    assert set(names) == set(TERMINAL)
    palette = Palette(names)
    for name in names:
        assert palette.style(f"bold ${name}") != Style.null(), name


def test_own_themes_offer_the_names_to_stylesheets():
    names = {"ok", "warn", "alert", "info", "dim", "faint", "hue-0", "heat-4"}
    assert len(THEMES) == 3
    assert [theme.name for theme in THEMES if not names <= theme.variables.keys()] == []


def test_known_layers_have_fixed_and_different_hues():
    layers = ("keyword", "semantic", "rag", "pytorch", "clarification")
    assert [hue(layer) for layer in layers] == [f"$hue-{i}" for i in range(5)]
    assert hue("Keyword") == hue("keyword")
    assert hue("clarify") == hue("clarification")


def test_other_names_have_a_hue_that_never_changes():
    assert {hue(f"model-{i}") for i in range(200)} == {f"$hue-{i}" for i in range(HUES) if i != 4}
    assert hue("gpt-5") == hue("gpt-5")
    assert hue("\ud800").startswith("$hue-")


def test_heat_rises_with_the_rate():
    assert [heat(p) for p in (0.0, 0.5, 0.65, 0.8, 0.9, 1.0)] == [f"$heat-{i}" for i in (0, 1, 2, 3, 4, 4)]
    assert heat(None) == "$bg"


def test_a_palette_resolves_names_and_survives_nonsense():
    palette = Palette({"ok": "#00ff00", "bg": "#000000"})
    assert palette.style("bold $ok on $bg") == Style.parse("bold #00ff00 on #000000")
    assert palette.style("$missing") == Style.parse("default")
    assert palette.style("[/foo]") == Style.null()
    text = Text("state", "$ok")
    text.stylize("bold", 0, 2)
    resolved = palette.resolve(text)
    assert resolved.plain == "state"
    assert resolved.spans[0].style == Style.parse("#00ff00")
    assert text.style == "$ok"


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
def test_the_terminals_own_colours_hide_no_text(name):
    """Of sixteen colours one cannot be the ground of all the others: what is marked is marked in another way."""
    palette = Palette(derive(variables_of(BUILTIN_THEMES[name])))
    assert palette.style("bold on $cursor") == Style.parse("bold reverse")
    assert palette.style("bold $accent on $cursor") == Style.parse("bold cyan reverse")
    assert palette.style("bold $fg on $match") == Style.parse("bold default reverse")
    assert palette.style("on $changed") == Style.parse("underline")
    assert palette.style("on $cursor-cell") == Style.parse("on blue")
    assert palette.style("$fg on $heat-0") == Style.parse("default on red")


def test_the_palette_of_one_theme_is_one_object():
    variables = variables_of(THEMES[0])
    assert palette_of(variables) is palette_of(dict(variables))
    assert palette_of(variables) is not palette_of(variables_of(THEMES[1]))


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda t: t.name)
def test_stylesheets_find_every_name_in_every_theme(theme):
    defaults = defaults_for(theme)
    assert {"ok", "dim", "hue-9", "heat-0", "bg"} <= defaults.keys()
    for value in defaults.values():
        Color.parse(value)

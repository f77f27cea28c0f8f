"""The characters the pane draws with, in two sets: Unicode and plain ASCII.

Meaning is asked for by name (`glyphs.state("warn")`), so that no widget spells a character and `--ascii`
needs no branches. `adapt` is the last line of defence: it maps every drawing character the product uses to
one ASCII character, one for one, so that the columns and styles of an already formatted text still fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ASCII", "UNICODE", "Basis", "Glyphs", "State"]

State = Literal["ok", "warn", "alert", "info", "idle", "unknown"]
Basis = Literal["reported", "computed", "estimated", "at least", "unpriced", "unknown", "few", "none"]

_ASCII_OF: Final = str.maketrans(
    {
        **dict.fromkeys("–—−", "-"),
        **dict.fromkeys("─━╌┈═", "-"),
        **dict.fromkeys("│┃┆┊╎", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╪┿", "+"),
        **dict.fromkeys("█▇▆▅■▛▜▙▟", "#"),
        **dict.fromkeys("▄▃▓▒", "="),
        **dict.fromkeys("▂▁", "_"),
        **dict.fromkeys("▉▊▋▌", "#"),
        **dict.fromkeys("▍▎▏", "|"),
        "░": ":",
        "●": "*",
        "▲": "^",
        "▼": "v",
        "✖": "X",
        "○": "o",
        "◌": "?",
        "◷": "@",
        "❚": "|",
        "✓": "+",
        "·": ".",
        "…": "~",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "▸": ">",
        "‹": "<",
        "›": ">",
        "≥": ">",
        "≤": "<",
        "±": "~",
        "×": "x",
        "µ": "u",
        "↵": "<",
        "╱": "/",
        "•": "*",
        "\u00a0": " ",
        "▐": "|",
        "◆": "*",
    }
)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One character set; every field is exactly one cell wide unless it says otherwise."""

    ascii: bool
    ok: str
    warn: str
    alert: str
    info: str
    idle: str
    unknown: str
    up: str
    down: str
    check: str
    clock: str
    pause: str  # two cells
    minus: str
    none: str
    ellipsis: str
    arrow: str
    cursor: str
    left: str
    right: str
    rows: str  # eighths of a cell from the bottom, nine characters, first blank
    columns: str  # eighths of a cell from the left, nine characters, first blank
    fills: str  # textures that tell series apart without colour
    h_line: str
    v_line: str
    v_now: str
    v_moved: str
    tick: str
    edge: str
    origin: str
    dot: str
    trail: str

    def state(self, state: State | str) -> str:
        """The glyph of a state; an unheard-of state is drawn as unknown."""
        return {
            "ok": self.ok,
            "warn": self.warn,
            "alert": self.alert,
            "info": self.info,
            "idle": self.idle,
            "few": self.dot,
        }.get(state, self.unknown)

    def basis(self, basis: Basis | str) -> str:
        """The provenance mark: `=` reported, `~` estimated, `≥` a lower bound, `?` unpriced or unknown, `·` too few."""
        least = ">" if self.ascii else "≥"
        marks = {"reported": "=", "computed": "~", "estimated": "~", "at least": least, "few": self.dot, "none": " "}
        return marks.get(basis, "?")

    def trend(self, delta: float | None) -> str:
        """Up, down or blank."""
        if not delta:
            return " "
        return self.up if delta > 0 else self.down

    def adapt(self, text: str) -> str:
        """`text` in this set; same number of characters. Foreign letters become `?` in ASCII."""
        if not self.ascii or text.isascii():
            return text
        mapped = text.translate(_ASCII_OF)
        return mapped if mapped.isascii() else "".join(c if c.isascii() else "?" for c in mapped)


UNICODE: Final = Glyphs(
    ascii=False,
    ok="●",
    warn="▲",
    alert="✖",
    info="◆",
    idle="○",
    unknown="◌",
    up="▲",
    down="▼",
    check="✓",
    clock="◷",
    pause="❚❚",
    minus="−",
    none="–",
    ellipsis="…",
    arrow="→",
    cursor="▌",
    left="‹",
    right="›",
    rows=" ▁▂▃▄▅▆▇█",
    columns=" ▏▎▍▌▋▊▉█",
    fills="█▓▒░",
    h_line="─",
    v_line="│",
    v_now="┊",
    v_moved="┃",
    tick="┬",
    edge="┤",
    origin="┼",
    dot="·",
    trail="╌",
)
ASCII: Final = Glyphs(
    ascii=True,
    ok="*",
    warn="!",
    alert="X",
    info="i",
    idle="o",
    unknown="?",
    up="^",
    down="v",
    check="+",
    clock="@",
    pause="||",
    minus="-",
    none="-",
    ellipsis="~",
    arrow=">",
    cursor=">",
    left="<",
    right=">",
    rows=" __..--##",
    columns="    |####",
    fills="#=+:",
    h_line="-",
    v_line="|",
    v_now=":",
    v_moved="|",
    tick="+",
    edge="+",
    origin="+",
    dot=".",
    trail=".",
)

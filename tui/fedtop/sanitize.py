"""Makes strings from outside safe to draw: no control characters, escapes, bidi overrides or surprises in width.

`clean` is total (any str in, one printable line out), costs next to nothing for plain ASCII and a bounded
amount for a 10 MB string. Markup needs no treatment: the pane never parses it.
"""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len, chop_cells

__all__ = ["clean", "csv_cell", "scrub", "truncate"]

_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*(?:[@-~]|$)"  # CSI, also one that was cut off
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC up to their terminator
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes, and a lone ESC
    r"|\x9b[0-?]*[ -/]*(?:[@-~]|$)",  # 8-bit CSI
    re.DOTALL,
)
_BLANK: Final = re.compile(r"\s")
_SPACE: Final = re.compile(r" {2,}")
_MARK: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]"
_MARKS: Final = re.compile(f"({_MARK}{{2}}){_MARK}+")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def clean(text: object, limit: int | None = 200, ellipsis: str = "…") -> str:
    """One printable line of at most `limit` cells (None: unlimited, for text that is bounded already).

    White space collapses to single blanks. Terminal escapes, C0/C1 controls, format characters (bidi
    overrides, zero-width joiners), surrogates, variation selectors and skin tones (which terminals draw into the emoji
    before them or beside it) are removed: what is left has the width it seems to have.
    """
    source = text if isinstance(text, str) else str(text)
    if limit is not None:
        source = source[: 16 * limit + 64]
    source = _SPACE.sub(" ", scrub(source))
    return source if limit is None else truncate(source, limit, ellipsis)


def scrub(text: str) -> str:
    """`text` without unsafe characters but with its blanks as they are (for text that is laid out already)."""
    if text.isascii() and text.isprintable():
        return text
    spaced = _BLANK.sub(" ", _ESCAPES.sub("", text))
    kept = "".join(c for c in spaced if c.isprintable() and not _joins(c))
    return _MARKS.sub(r"\1", kept)


def _joins(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff" or char >= "\U000e0000"


def truncate(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` cut to `width` cells, ending in the ellipsis when something was lost; a wide character is
    never halved.
    """
    if width <= 0:
        return ""
    if (len(text) <= width and text.isascii()) or cell_len(text) <= width:
        return text
    if width == 1:
        return ellipsis
    return chop_cells(text, width - 1)[0] + ellipsis


def csv_cell(value: object) -> str:
    """`value` for a CSV file, with `'` put before text that a spreadsheet would take for a formula.

    Numbers are written as they are, yes and no as JSON has them, None as an empty cell. Quoting stays the csv module's
    work.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) or (text[:1] in "\t\r\n" and text) else text

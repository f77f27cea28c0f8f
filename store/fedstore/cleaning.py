"""Strings from outside, made safe once, at the border.

Names lose what can move a cursor, reverse text or forge a line (C0 and C1 controls, escapes, bidirectional
and other format characters, lone surrogates, line separators); longer texts keep their line breaks and tabs
and are cut at a limit. After this a stored string is valid UTF-8 and one screen line.
"""

from __future__ import annotations

import unicodedata

__all__ = ["NAME_LIMIT", "TEXT_LIMIT", "clean_name", "clean_text"]

NAME_LIMIT = 200
TEXT_LIMIT = 4_000
_KEPT = {"\u200d", "\ufe0f"}  # joiner and presentation selector: parts of emoji, harmless alone


def clean_name(value: str) -> str:
    """One line without control or format characters; the caller checks the length."""
    if value.isprintable():
        return value.strip() if value[:1] == " " or value[-1:] == " " else value
    return "".join(_safe(c, " ") for c in value[: NAME_LIMIT * 4]).strip()


def clean_text(value: str, limit: int = TEXT_LIMIT) -> str:
    """Lines without control characters, cut at ``limit`` characters with an ellipsis."""
    cut = value[: limit + 1]
    if not cut.isprintable():
        cut = "".join(c if c in "\n\t" else _safe(c, "") for c in cut)
    return cut[: limit - 1] + "…" if len(cut) > limit else cut


def _safe(character: str, blank: str) -> str:
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Zl", "Zp"):
        return blank
    return "" if category == "Cf" else character

"""Strings from outside, made safe once, at the border.

Names lose what can move a cursor, reverse text or forge a line (C0 and C1 controls, escapes, bidirectional
and other format characters, lone surrogates, line separators); longer texts keep their line breaks and tabs
and are cut at a limit. After this a stored string is valid UTF-8 and one screen line.
"""

from __future__ import annotations

import unicodedata

__all__ = [
    "NAME_LIMIT", "TEXT_LIMIT", "clean_id", "clean_label", "clean_name", "clean_reference", "clean_text",
    "required_name", "short_id",
]  # fmt: skip

NAME_LIMIT = 200
TEXT_LIMIT = 4_000
_ID_KEPT = 120
"""So much of an id that is too long stays readable before its hash."""
_JOINERS = "\u200d\ufe0f"
_KEPT = frozenset(_JOINERS)  # joiner and presentation selector: parts of emoji, harmless; nothing when they are alone


def clean_name(value: str) -> str:
    """One line without control or format characters; the caller checks the length."""
    if value.isprintable():
        return value.strip() if value[:1] == " " or value[-1:] == " " else value
    cleaned = "".join(_safe(c, " ") for c in _without_escapes(value[: NAME_LIMIT * 4])).strip()
    return cleaned if cleaned.strip(_JOINERS) else ""


def short_id(value: str) -> str:
    """An id as it is, or its beginning and a hash of it where it is too long for a name.

    Proxies put whole thoughts into the ids of calls; what they tell apart stays apart.
    """
    if len(value) <= NAME_LIMIT:
        return value
    import hashlib  # not at the top: ids of programs are seldom so long

    said = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[:_ID_KEPT]}:{said}"


def clean_id(value: str) -> str:
    """The id of a fact, whatever its length; an empty one raises ValueError."""
    cleaned = clean_name(short_id(value))
    if not cleaned:
        raise ValueError("must not be empty")
    return cleaned


def clean_reference(value: str) -> str:
    """What names the id of another fact: as `clean_id` gives it, or nothing."""
    return clean_label(short_id(value))


def clean_text(value: str, limit: int = TEXT_LIMIT) -> str:
    """Lines without control characters, cut at `limit` characters with an ellipsis."""
    cut = value[: limit + 1]
    if not cut.isprintable():
        cut = "".join(c if c in "\n\t" else _safe(c, "") for c in _without_escapes(cut))
    return cut[: limit - 1] + "…" if len(cut) > limit else cut


def _without_escapes(value: str) -> str:
    """Terminal sequences leave whole, so that no `[31m` stays behind."""
    import re  # not at the top: the shell's fast lane has seldom use for it

    return re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])", "", value)


def _safe(character: str, blank: str) -> str:
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category in ("Cc", "Zl", "Zp"):
        return blank
    return "" if category == "Cf" else character


class _Remembered(dict[str, str]):
    """Names come again and again: cleaned once, then looked up, which costs a third."""

    LIMIT = 4_096

    def __missing__(self, value: str) -> str:
        cleaned = self.clean(value)
        if len(value) <= NAME_LIMIT:
            if len(self) >= self.LIMIT:
                self.clear()
            self[value] = cleaned
        return cleaned

    def clean(self, value: str) -> str:
        """What is remembered."""
        return clean_name(value)


class _RememberedRequired(_Remembered):
    def clean(self, value: str) -> str:
        """What is remembered; an empty name raises ValueError."""
        cleaned = clean_name(value)
        if not cleaned:
            raise ValueError("must not be empty")
        return cleaned


clean_label = _Remembered().__getitem__
required_name = _RememberedRequired().__getitem__
"""`clean_name` of what must leave something; raises ValueError."""

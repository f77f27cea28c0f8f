"""How well a command answers what was typed. Pure.

What is typed are words. All of them must stand in the command, in its name at best; letters that only happen to come in
the same order do not count, so that what has nothing to do with the words is not offered.
"""

from __future__ import annotations

import re

__all__ = ["matches", "score"]

_WORDS = re.compile(r"\w+")


def score(typed: str, name: str, more: str = "") -> float:
    """From 1 for the name itself down to 0 for no match; `more` are other words that lead there.

    In between: the name begins so; every word typed begins a word of the name; is part of the name; begins a word of
    the name or of the others.
    """
    words, name = typed.casefold().split(), name.casefold().strip()
    if not words:
        return 0.0
    if " ".join(words) == " ".join(name.split()):
        return 1.0
    if name.startswith(" ".join(words)):
        return 0.9
    if all(_begins(word, name) for word in words):
        return 0.8
    if all(word in name for word in words):
        return 0.6
    everything = f"{name} {more.casefold()}"
    return 0.4 if all(_begins(word, everything) for word in words) else 0.0


def _begins(word: str, text: str) -> bool:
    return any(part.startswith(word) for part in (*_WORDS.findall(text), *text.split()))


def matches(typed: str, name: str) -> list[tuple[int, int]]:
    """Where the words typed stand in a name: (start, end) of each first place."""
    found = []
    for word in typed.casefold().split():
        at = name.casefold().find(word)
        if at >= 0:
            found.append((at, at + len(word)))
    return found

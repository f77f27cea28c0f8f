"""One line to type into, the same wherever the pane asks for words."""

from __future__ import annotations

from textual.widgets import Input

__all__ = ["LineInput"]


class LineInput(Input):
    """Every key that writes a character is its own, so that nothing else is offered for it."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Textual knows the characters of its keys by their Unicode names; that of the slash is another one."""
        return key == "slash" or super().check_consume_key(key, character)

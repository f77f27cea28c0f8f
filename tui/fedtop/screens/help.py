"""All keys that work where help was asked for, by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen

from fedtop.keys import GROUPS, active_in_order, display
from fedtop.sanitize import clean
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Size

__all__ = ["HelpScreen", "KeyGroup", "groups_of", "paint_help"]

KeyGroup = tuple[str, tuple[tuple[str, str], ...]]

Result = TypeVar("Result")
_KEYS = 10
_TWO_COLUMNS = 92


def groups_of(screen: Screen[Result]) -> tuple[KeyGroup, ...]:
    """(title, ((keys, what they do), …)) of the bindings in force on a screen, the panel's own first."""
    found: dict[str, dict[str, list[str]]] = {}
    for active in active_in_order(screen):
        binding = active.binding
        group, dot, _ = (binding.id or "").partition(".")
        if dot and active.enabled:
            text = binding.tooltip or binding.description
            keys = found.setdefault(group, {}).setdefault(text, [])
            shown = binding.key_display or display(binding.key)
            if shown not in keys:
                keys.append(shown)
    known = list(GROUPS)
    ordered = sorted(found, key=lambda group: known.index(group) if group in known else -1)
    return tuple((GROUPS.get(group, group.capitalize()), _entries(found[group])) for group in ordered)


def _entries(group: dict[str, list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((" ".join(keys), text) for text, keys in group.items())


def paint_help(groups: tuple[KeyGroup, ...], width: int) -> list[Text]:
    """A heading per group, a line per key, each cut to its column; two columns where there is room."""
    if width < _TWO_COLUMNS:
        return [line for group in groups for line in [*_block(group, width), Text("")]][:-1]
    column = (width - 3) // 2
    blocks = [_block(group, column) for group in groups]
    left, right = _balanced(blocks)
    lines = []
    for row in range(max(len(left), len(right))):
        first = left[row].copy() if row < len(left) else Text("")
        first.truncate(column, pad=True)
        lines.append(Text.assemble(first, "   ", right[row] if row < len(right) else ""))
    return lines


def _balanced(blocks: list[list[Text]]) -> tuple[list[Text], list[Text]]:
    """The blocks in order, over two columns as equal as may be."""

    def joined(some: list[list[Text]]) -> list[Text]:
        return [line for block in some for line in [*block, Text("")]][:-1]

    cuts = [(joined(blocks[:cut]), joined(blocks[cut:])) for cut in range(len(blocks) + 1)]
    return min(cuts, key=lambda pair: max(len(pair[0]), len(pair[1])))


def _block(group: KeyGroup, width: int) -> list[Text]:
    title, entries = group
    lines = [Text(title, "bold")]
    for keys, text in entries:
        line = Text.assemble((f"  {keys:<{_KEYS}} ", "$accent"), (clean(text, 80), "$dim"))
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


class _Keys(Painted):
    def __init__(self, groups: tuple[KeyGroup, ...]) -> None:
        super().__init__()
        self._groups = groups

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are."""
        return len(paint_help(self._groups, width))

    def paint(self, width: int, height: int) -> list[Text]:  # noqa: ARG002
        """See `paint_help`."""
        return paint_help(self._groups, width)


class HelpScreen(ModalScreen[None]):
    """A box over the screen it explains; any of `?`, Esc, q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close", id="help.close", tooltip="Close the help"),
    ]

    def __init__(self, about: Screen[Result]) -> None:
        super().__init__()
        self._about = groups_of(about)

    def compose(self) -> ComposeResult:
        """The keys, scrolling where they do not fit."""
        box = VerticalScroll(_Keys(self._about), id="help")
        box.border_title = Text("keys")
        box.border_subtitle = Text("Esc closes")
        yield box

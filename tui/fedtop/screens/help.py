"""All keys that work where help was asked for, by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen

from fedtop.keys import GROUPS, display
from fedtop.sanitize import clean
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.app import ComposeResult

__all__ = ["HelpScreen", "KeyGroup", "groups_of", "paint_help"]

KeyGroup = tuple[str, tuple[tuple[str, str], ...]]


def groups_of(screen: Screen[object]) -> tuple[KeyGroup, ...]:
    """(title, ((keys, what it does), …)) of the bindings in force on a screen, the panel's own first."""
    grouped: dict[str, dict[str, tuple[list[str], str]]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        group, dot, _ = (binding.id or "").partition(".")
        if dot and active.enabled:
            keys, _ = grouped.setdefault(group, {}).setdefault(
                binding.id or "", ([], binding.tooltip or binding.description)
            )
            shown = binding.key_display or display(binding.key)
            if shown not in keys:
                keys.append(shown)
    ordered = sorted(grouped, key=lambda group: (group in GROUPS, list(GROUPS).index(group) if group in GROUPS else 0))
    return tuple(
        (GROUPS.get(group, group.capitalize()), tuple((" ".join(keys), text) for keys, text in grouped[group].values()))
        for group in ordered
    )


def paint_help(groups: tuple[KeyGroup, ...], width: int) -> list[Text]:
    """A heading per group, a line per key; in two columns where there is room."""
    blocks = [_block(group) for group in groups]
    if width < 96:
        return [line for block in blocks for line in [*block, Text("")]]
    half = sum(len(block) + 1 for block in blocks) / 2
    left: list[Text] = []
    right: list[Text] = []
    for block in blocks:
        (left if len(left) + len(block) / 2 <= half else right).extend([*block, Text("")])
    column = width // 2 - 1
    lines = []
    for row in range(max(len(left), len(right))):
        first = left[row].copy() if row < len(left) else Text("")
        first.truncate(column, overflow="ellipsis", pad=True)
        lines.append(Text.assemble(first, "  ", right[row] if row < len(right) else ""))
    return lines


def _block(group: KeyGroup) -> list[Text]:
    title, entries = group
    lines = [Text(title, "bold")]
    for keys, text in entries:
        lines.append(Text.assemble((f"  {keys:<12} ", "$accent"), (clean(text, 80), "$dim")))
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

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._about = groups_of(about)

    def compose(self) -> ComposeResult:
        """The keys, scrolling where they do not fit."""
        box = VerticalScroll(_Keys(self._about), id="help")
        box.border_title = Text("Keys")
        box.border_subtitle = Text("Esc closes")
        yield box

"""A page printed once, as text or JSON: a tab of the pane, or the command that shows the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.cli.common import get_settings, open_view, standing_alarms
from fedtop.cli.output import look_for, plain_fields, print_json, show
from fedtop.tabs import tab_named

if TYPE_CHECKING:
    from fedstore import Reader, Window
    from fedtop.cli.notice import Notice
    from fedtop.cli.options import View
    from fedtop.plain.page import Alarms, Page

__all__ = ["alarms_for", "print_page", "print_tab", "read_tab"]


def alarms_for(view: View) -> Alarms:
    """Reads the alarms about applied changes of the store that a view is of."""
    return lambda: standing_alarms(get_settings(view))


def read_tab(view: View, tab: str, reader: Reader, window: Window) -> Page:
    """What a tab shows of a window. Raises FedstoreError."""
    return tab_named(tab).load_page()(reader, window, alarms_for(view))


def print_tab(view: View, tab: str) -> None:
    """Print a tab of the window that was asked for. Raises FedstoreError."""
    with open_view(view, tab_named(tab).topic) as (reader, window, notice):
        print_page(view, read_tab(view, tab, reader, window), notice)


def print_page(view: View, page: Page, notice: Notice, *, live: bool = False) -> None:
    """Print what was read; ``live`` on a cleared screen, as JSON in one line."""
    notice = notice.unless(page.found)
    if view.as_json:
        print_json({"notice": notice.code, **plain_fields(page.figures), **page.more}, in_a_line=live)
        return
    look = look_for(view)
    show(page.draw(look, notice.text(look)), look, fit=live)

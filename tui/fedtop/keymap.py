"""The keys that a user gives the bindings of frame and views, by their ids; what cannot work is refused in one line.

Two bindings of one place must not have the same key, or one of them would be gone without a word. A place is the frame
or a view, each with the keys of a table, since a table nearly always has the keyboard. A key of the frame that a view
binds too is the view's while that is on top: so it is meant, and so a user may have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module

from textual.binding import Binding, BindingType, InvalidBinding
from textual.dom import DOMNode

from fedstore import SettingsError
from fedtop.keys import KEYS, bindings, display
from fedtop.tabs import TABS
from fedtop.views import DRILLS
from fedtop.widgets.live_table import LiveTable

__all__ = ["FORMER_IDS", "binding_ids", "keymap_of", "taken_by"]

FORMER_IDS: Mapping[str, str] = {
    "view.alerts": "view.alarms",
    "alerts.undo": "alarms.undo",
    "labelling.right": "mark.right",
    "labelling.wrong": "mark.wrong",
    "labelling.agent": "mark.agent",
    "labelling.skip": "mark.skip",
    "why.right": "mark.right",
    "why.wrong": "mark.wrong",
    "why.agent": "mark.agent",
}
"""What some bindings were called before; a user's keymap may still call them so."""


def keymap_of(given: Mapping[str, str]) -> dict[str, str]:
    """The user's keys by binding id as Textual wants them: `?` is `question_mark`. Raises SettingsError."""
    if not given:
        return {}
    known = binding_ids()
    unknown = next((name for name in given if FORMER_IDS.get(name, name) not in known), None)
    if unknown is not None:
        raise SettingsError(f"keymap: {unknown!r} names no key of the pane: use one of {', '.join(sorted(known))}")
    keymap: dict[str, str] = {}
    for name, keys in given.items():
        now, typed = FORMER_IDS.get(name, name), _textual_keys(name, keys)
        keymap[now] = f"{keymap[now]},{typed}" if now in keymap else typed
    for place in _places():
        _refuse_conflicts(place, keymap)
    return keymap


def _textual_keys(name: str, keys: str) -> str:
    try:
        return ",".join(binding.key for binding in Binding.make_bindings([Binding(keys, "")]))
    except InvalidBinding:
        raise SettingsError(f"keymap: {name}: {keys!r} is no key: write x, ctrl+x, f5, or several as x,f5") from None


def _refuse_conflicts(place: Iterable[BindingType], keymap: Mapping[str, str]) -> None:
    """Raises SettingsError where a key that the user gave is that of another binding of the place."""
    own: dict[str, set[str]] = {}
    for binding in Binding.make_bindings(place):
        own.setdefault(binding.id or "", set()).add(binding.key)
    mapped = {name: set(keymap[name].split(",")) if name in keymap else keys for name, keys in own.items()}
    for name in keymap.keys() & own.keys():
        for other, keys in mapped.items():
            twice = (mapped[name] & keys) - (own[name] & own[other])  # as shipped, some share a key by intent
            if other != name and twice:
                key = display(min(twice))
                raise SettingsError(f"keymap: {name}: {key} is the key of {other} too: give one of them another key")


def _places() -> Iterator[tuple[BindingType, ...]]:
    """The bindings of the frame and of each kind of widget, beside those of a table."""
    _import_views()
    tables = tuple(LiveTable.BINDINGS)
    yield (*bindings(), *tables)
    for kind in _kinds_below(DOMNode):
        yield (*_declared(kind), *tables)


def binding_ids() -> frozenset[str]:
    """The ids of all keys of the frame and of every view; imports all of them."""
    _import_views()
    views = (binding.id for kind in _kinds_below(DOMNode) for binding in kind.__dict__.get("BINDINGS", ()))
    return frozenset(name for name in (*views, *(key.id for key in KEYS)) if name)


def _import_views() -> None:
    views = {*(tab.module for tab in TABS), *(path.partition(":")[0] for path in DRILLS.values())}
    for module in {*views, *(f"fedtop.screens.{name}" for name in ("base", "confirm", "help", "mark"))}:
        import_module(module)


def _kinds_below(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    """fedtop's own widgets and screens that bind a key."""
    for kind in node.__subclasses__():
        if kind.__module__.startswith("fedtop.") and kind.__dict__.get("BINDINGS"):
            yield kind
        yield from _kinds_below(kind)


def _declared(kind: type[DOMNode]) -> Iterator[BindingType]:
    """The bindings of a class and of those it inherits from."""
    for up in kind.__mro__:
        yield from up.__dict__.get("BINDINGS", ())


def taken_by(view: type[DOMNode], keymap: Mapping[str, str]) -> frozenset[str]:
    """The keys of the frame, by their names in `KEYS`, that a view binds too; a user may have moved either of them.

    Such a key is the view's alone: where it does nothing there at the moment, it must not do something else. Only Esc
    is everyone's, since it takes one step back whatever that is, and what a view names of the frame's own stays so.
    """
    given = Binding.make_bindings(_declared(view))
    bound = {
        key
        for one in given
        if not one.action.startswith("app.")
        for key in keymap.get(one.id or "", one.key).split(",")
    }
    return frozenset(
        key
        for entry in KEYS
        for key in entry.keys.split(",")
        if entry.id != "view.back" and not bound.isdisjoint(keymap.get(entry.id, key).split(","))
    )

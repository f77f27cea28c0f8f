"""Every key of the frame leads somewhere, and says so."""

from __future__ import annotations

from collections import Counter

import pytest

from fedstore.errors import SettingsError
from fedtop.app import FedtopApp
from fedtop.keymap import FORMER_IDS, binding_ids, keymap_of
from fedtop.keys import GROUPS, KEYS, Key, display
from fedtop.tabs import TABS, Tab
from fedtop.views import DRILLS, MUTATING_DRILLS, drill_class
from fedtop.views.panel import Panel


def test_no_key_means_two_things() -> None:
    pressed = Counter(key for entry in KEYS for key in entry.keys.split(","))
    assert [key for key, n in pressed.items() if n > 1] == []
    assert [name for name, n in Counter(entry.id for entry in KEYS).items() if n > 1] == []


@pytest.mark.parametrize("entry", KEYS, ids=lambda entry: entry.id)
def test_every_key_has_an_action_and_says_what_it_does(entry: Key) -> None:
    action = entry.action.partition("(")[0]
    assert callable(getattr(FedtopApp, f"action_{action}"))
    assert entry.description
    assert 0 < len(entry.tooltip) <= 37  # what one of two columns of the help has room for at 120 columns
    assert entry.id.partition(".")[0] in GROUPS


@pytest.mark.parametrize(
    ("key", "shown"),
    [("question_mark", "?"), ("ctrl+p", "ctrl+p"), ("shift+left", "shift+←"), ("w", "w"), ("plus", "+")],
)
def test_keys_are_written_as_people_write_them(key: str, shown: str) -> None:
    assert display(key) == shown


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.id)
def test_every_tab_has_a_panel_under_its_id(tab: Tab) -> None:
    found = tab.load_panel()
    assert issubclass(found, Panel)
    assert (found.panel_id, found.title, found.topic) == (tab.id, tab.label, tab.topic)


@pytest.mark.parametrize("kind", DRILLS)
def test_every_drill_down_has_a_panel(kind: str) -> None:
    found = drill_class(kind)
    assert found is not None
    assert issubclass(found, Panel)


def test_an_unknown_drill_down_is_none() -> None:
    assert drill_class("no such view") is None


def test_what_changes_the_store_is_known_to() -> None:
    assert {"optimize", "tune", "grading"} <= MUTATING_DRILLS


def test_a_keymap_takes_keys_as_people_write_them() -> None:
    assert keymap_of({}) == {}
    given = {"time.wider": "x", "app.help": "f1, ?", "table.sort": "ctrl+s", "plan.apply": "A", "mark.skip": "."}
    assert keymap_of(given) == {
        "time.wider": "x",
        "app.help": "f1,question_mark",
        "table.sort": "ctrl+s",
        "plan.apply": "A",
        "mark.skip": "full_stop",
    }


@pytest.mark.parametrize("former", FORMER_IDS)
def test_a_key_may_be_called_what_it_was_called_before(former: str) -> None:
    now = FORMER_IDS[former]
    assert now in binding_ids()
    assert former not in binding_ids()
    assert keymap_of({former: "f9"}) == {now: "f9"}
    assert keymap_of({former: "f9", now: "f8"}) == {now: "f9,f8"}


@pytest.mark.parametrize(
    ("given", "words"),
    [({"time.widr": "x"}, "'time.widr' names no key"), ({"time.wider": ""}, "'' is no key"), ({"q": "x"}, "app.quit")],
)
def test_a_keymap_that_cannot_work_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^keymap: ") as caught:
        keymap_of(given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loop.undo": "o"}, "loop.undo: o is the key of loop.optimize too"),
        ({"table.sort": "q"}, "table.sort: q is the key of app.quit too"),
        ({"app.help": "f1", "app.redraw": "f1"}, "f1 is the key of app."),
        ({"plan.apply": "p"}, "plan.apply: p is the key of plan.rule too"),
        ({"costs.next": "s"}, "costs.next: s is the key of table.sort too"),
        ({"cascade.grade": "home"}, "cascade.grade: Home is the key of table.first too"),
        ({"mark.right": "w"}, "mark.right: w is the key of mark.wrong too"),
        ({"layer.reset": "v"}, "layer.reset: v is the key of view.turn too"),
        ({"confirm.yes": "n"}, "confirm.yes: n is the key of confirm.no too"),
    ],
)
def test_a_key_that_another_binding_has_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^keymap: ") as caught:
        keymap_of(given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"loop.undo": "o", "loop.optimize": "u"},  # they change places
        {"plan.cancel": "c", "view.back": "b"},
        {"plan.cancel": "escape"},  # as shipped: it and plan.discard share it
        {"time.wider": "a", "cascade.grade": "o"},  # a view's own key goes before the frame's
    ],
    ids=str,
)
def test_a_key_that_two_places_have_is_each_ones_own(given: dict[str, str]) -> None:
    assert keymap_of(given).keys() == given.keys()


def test_the_keys_as_shipped_are_no_conflict() -> None:
    ids = {binding.id: binding.key for key in KEYS for binding in [key.binding()]}
    assert keymap_of(ids) == {name: ",".join(keys.split(",")) for name, keys in ids.items()}


def test_every_binding_of_every_view_can_be_remapped() -> None:
    ids = binding_ids()
    assert {entry.id for entry in KEYS} <= ids
    assert {"table.sort", "matrix.left", "cascade.grade", "mark.wrong", "layer.reset", "confirm.no"} <= ids

"""Every key of the frame leads somewhere, and says so."""

from __future__ import annotations

from collections import Counter

import pytest

from fedstore.errors import SettingsError
from fedtop.app import FedtopApp
from fedtop.keys import GROUPS, KEYS, Key, binding_ids, display, keymap_of
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
    assert {"optimize", "tune", "labelling"} <= MUTATING_DRILLS


def test_a_keymap_takes_keys_as_people_write_them() -> None:
    assert keymap_of({}) == {}
    given = {"time.wider": "x", "app.help": "f1, ?", "table.sort": "ctrl+s", "plan.apply": "A", "labelling.skip": "."}
    assert keymap_of(given) == {
        "time.wider": "x",
        "app.help": "f1,question_mark",
        "table.sort": "ctrl+s",
        "plan.apply": "A",
        "labelling.skip": "full_stop",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [({"time.widr": "x"}, "'time.widr' names no key"), ({"time.wider": ""}, "'' is no key"), ({"q": "x"}, "app.quit")],
)
def test_a_keymap_that_cannot_work_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^keymap: ") as caught:
        keymap_of(given)
    assert words in str(caught.value)


def test_every_binding_of_every_view_can_be_remapped() -> None:
    ids = binding_ids()
    assert {entry.id for entry in KEYS} <= ids
    assert {"table.sort", "matrix.left", "cascade.grade", "labelling.wrong", "layer.reset", "confirm.no"} <= ids

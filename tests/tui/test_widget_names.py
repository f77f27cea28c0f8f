"""Style sheets go by the names of classes alone: a widget under the name of one of Textual's shares its rules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from textual import command, containers, widgets
from textual.dom import DOMNode

import fedtop.views
import fedtop.widgets


def below(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for kind in node.__subclasses__():
        yield kind
        yield from below(kind)


def test_no_widget_has_the_name_of_another() -> None:
    for package in (fedtop.views, fedtop.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    own = [kind.__name__ for kind in set(below(DOMNode)) if kind.__module__.startswith("fedtop.")]
    assert len(own) == len(set(own))
    assert set(own) & {*widgets.__all__, *vars(containers), *vars(command)} == set()

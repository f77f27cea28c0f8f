"""Names that a user types: completed from the store by the shell, and held against it when nothing is found.

A name that was never recorded is a mistake and is told as one, with the nearest that is known; a name that is
known but has nothing in a window is no mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.cli.common import get_settings, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import Command, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedstore import Reader
    from fedstore.queries.models import FactKind, NameKind

__all__ = ["LAST", "judged_id", "known_argument", "need_known", "unknown", "whole_id"]

SHOWN = 8
LAST = "last"
"""The name of the run that ended last."""
_IDS: Mapping[FactKind, tuple[str, str]] = {
    "run": ("finished run", "`fedtop runs -w all`"),
    "route": ("routing decision", "`fedtop layers -w all`"),
}
_CALLED = {"agent": "agent", "task_type": "task type", "tool": "tool", "layer": "layer"}


def unknown(kind: NameKind, name: str, known: Sequence[str]) -> Failure:
    """The line about a name that was never recorded."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    some = ", ".join(known[:SHOWN]) + (" …" if len(known) > SHOWN else "")
    hint = f"did you mean {near[0]!r}?" if near else f"known: {some or 'none yet'}"
    return Failure(f"there is no {_CALLED[kind]} {name!r} in this store: {hint}")


def need_known(reader: Reader, kind: NameKind, name: str) -> None:
    """Raise Failure for a name that was never recorded, in a store that has others."""
    known = reader.names(kind)
    if known and name not in known:
        raise unknown(kind, name, known)


def whole_id(reader: Reader, kind: FactKind, text: str) -> str:
    """The id that ``text`` is, or is the beginning of. Raises Failure where there is none, or more than one."""
    word, lister = _IDS[kind]
    found = reader.ids(kind, text, 3) if text else ()
    if not found:
        raise Failure(f"there is no {word} {text!r} in this store: {lister} lists them")
    if text not in found and len(found) > 1:
        some = ", ".join(found[:2]) + (" …" if len(found) > 2 else "")
        raise Failure(f"more than one {word} begins with {text!r} ({some}): say more of its id")
    return found[0]


def judged_id(reader: Reader, text: str) -> tuple[FactKind, str]:
    """The run or the decision that `text` names, or is the beginning of the id of; `last` is the run that ended last.

    Raises Failure where there is none, or more than one.
    """
    if text == LAST:
        newest = reader.runs(reader.window("all"), limit=1)
        if not newest:
            raise Failure("no run has ended yet in this store: there is nothing to grade")
        return "run", newest[0].id
    found: dict[FactKind, tuple[str, ...]] = {kind: reader.ids(kind, text, 3) if text else () for kind in _IDS}
    whole = [kind for kind, ids in found.items() if text in ids] or [kind for kind, ids in found.items() if ids]
    if not whole:
        raise Failure(f"there is neither a run nor a decision {text!r} in this store: `fedtop runs -w all` lists runs,"
                      " `fedtop grade` decisions")  # fmt: skip
    if len(whole) > 1:
        raise Failure(f"{text!r} is both a run and a decision: say more of its id")
    return whole[0], whole_id(reader, whole[0], text)


def known_argument(
    kind: NameKind, *, metavar: str = "NAME", required: bool = True, several: bool = False
) -> Callable[[Command], Command]:
    """The argument ``name`` (or ``names``, a tuple, where there may be several), completed from the store."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from fedstore import FedstoreError

        try:
            with open_store(get_settings(View(store=context.params.get("store"))), readonly=True) as store:
                return [name for name in store.reader().names(kind) if name.startswith(incomplete)]
        except FedstoreError:
            return []  # the shell has nowhere to show an error

    name, nargs = ("names", -1) if several else ("name", 1)
    return click.argument(name, nargs=nargs, metavar=metavar, required=required, shell_complete=complete)

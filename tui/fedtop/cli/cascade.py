"""The commands layers and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.about import About
from fedtop.cli.common import get_settings, open_store, open_view, window_of
from fedtop.cli.main import Failure
from fedtop.cli.names import known_argument, unknown, whole_id
from fedtop.cli.notice import notice_for
from fedtop.cli.options import View, fact_options, view_options
from fedtop.cli.output import emit, plain_fields
from fedtop.cli.printing import print_tab

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Store, Window
    from fedstore.learning.analysis import LayerAnalysis, Share
    from fedtop.plain.look import Look

__all__ = ["layers", "why"]


@click.command()
@known_argument("layer", metavar="[NAME]...", required=False, several=True)
@click.option("-l", "--layer", metavar="NAME", multiple=True, help="As the argument NAME.")
@click.option("--analysis", is_flag=True, help="The analysis of every layer, with its threshold and what is advised.")
@click.option("-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="json is what --json prints.")  # fmt: skip
@view_options
def layers(view: View, *, names: tuple[str, ...], layer: tuple[str, ...], analysis: bool, form: str) -> None:
    """The routing cascade, or (with NAME) the analysis of some layers and of their thresholds."""
    if form == "json":
        view = view.with_json()
    wanted = tuple(dict.fromkeys((*names, *layer)))
    if wanted or analysis:
        _analysis(view, wanted)
        return
    print_tab(view, "cascade")


def _analysis(view: View, names: tuple[str, ...]) -> None:
    """The analysis of some layers, by no name of all; one that is named alone is the whole of the JSON."""
    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        window = window_of(store.reader(), settings.window, view.at, About("layer", names[0] if names else ""))
        found, asked_back = _analysed(store, names, window)

    def draw(look: Look) -> RenderableType:
        from fedtop.views.layer.printed import analyses

        return analyses(found, window, look, None if names else asked_back)

    told = [{**plain_fields(one), "recommendation": one.recommendation()} for one in found]
    if len(names) == 1:
        emit(view, {"window": window, **told[0]}, draw)
        return
    moved = [one for one in found if one.rule_count[0] != one.threshold]
    advice = [
        {"layer": one.layer, "current": one.threshold, "recommended": one.rule_count[0], "reason": one.rule_count[1]}
        for one in moved
    ]
    whole = {} if names else {"events": found[0].events if found else 0, "clarified": asked_back}
    emit(view, {"window": window, **whole, "layers": told, "recommendations": advice}, draw)


def _analysed(store: Store, names: tuple[str, ...], window: Window) -> tuple[list[LayerAnalysis], Share]:
    """The layers in cascade order, and the decisions that none of them took. Raises Failure where nothing is to be
    analysed.
    """
    from fedstore import read_decisions
    from fedstore.learning.analysis import analyse_layers, unanswered

    reader = store.reader()
    seen = [layer for layer, _, _ in reader.layers_seen()]
    for name in names:
        if name not in seen:
            raise unknown("layer", name, seen)
    log = read_decisions(store.database, window)
    if not len(log):
        code = notice_for(reader, window, About("layer")).code
        where = "before" if code == "before-window" else "after"
        hint = f"the newest one lies {where} it: add --at newest" if code else "take a longer one, such as -w all"
        raise Failure(f"no routing decision in this window to analyse: {hint}")
    found = {one.layer: one for one in analyse_layers(log, reader.thresholds())}
    for name in names:
        if name not in log.layers:
            raise Failure(
                f"{name} has no threshold to analyse in this window: it is the last resort, or was never asked"
            )
        if name not in found:
            raise Failure(f"the threshold of {name} is not known: record it with the attempts")
    return [one for one in found.values() if not names or one.layer in names], unanswered(log)


@click.command()
@click.argument("route_id", metavar="ID")
@fact_options
def why(view: View, *, route_id: str) -> None:
    """Why a decision went where it went, and where it would go today; the beginning of its ID is enough."""
    with open_view(view) as (reader, _, _):
        found = reader.why(whole_id(reader, "route", route_id))
    assert found is not None

    def draw(look: Look) -> RenderableType:
        from fedtop.views.why.printed import why as ladder

        return ladder(found, look)

    emit(view, plain_fields(found), draw)

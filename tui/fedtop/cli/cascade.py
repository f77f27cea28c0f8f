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
    from fedstore.learning.analysis import LayerAnalysis
    from fedtop.plain.look import Look

__all__ = ["layers", "why"]


@click.command()
@known_argument("layer", required=False)
@click.option("-l", "--layer", metavar="NAME", help="As the argument NAME.")
@click.option("-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="json is what --json prints.")  # fmt: skip
@view_options
def layers(view: View, *, name: str | None, layer: str | None, form: str) -> None:
    """The routing cascade, or (with NAME) the analysis of one layer and of its threshold."""
    if form == "json":
        view = view.with_json()
    if name is not None and layer is not None:
        raise click.UsageError("name the layer once: as NAME or with --layer")
    name = name or layer
    if name is not None:
        _layer(view, name)
        return
    print_tab(view, "cascade")


def _layer(view: View, name: str) -> None:
    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        window = window_of(store.reader(), settings.window, view.at, About("layer", name))
        found = _analysis(store, name, window)

    def draw(look: Look) -> RenderableType:
        from fedtop.views.layer.printed import analysis

        return analysis(found, window, look)

    emit(view, {"window": window, **plain_fields(found), "recommendation": found.recommendation()}, draw)


def _analysis(store: Store, name: str, window: Window) -> LayerAnalysis:
    """Raises Failure where there is nothing to analyse."""
    from fedstore import read_decisions
    from fedstore.learning.analysis import analyse_layer

    reader = store.reader()
    seen = [layer for layer, _, _ in reader.layers_seen()]
    if name not in seen:
        raise unknown("layer", name, seen)
    log = read_decisions(store.database, window)
    if not len(log):
        code = notice_for(reader, window, About("layer")).code
        where = "before" if code == "before-window" else "after"
        hint = f"the newest one lies {where} it: add --at newest" if code else "take a longer one, such as -w all"
        raise Failure(f"no routing decision in this window to analyse: {hint}")
    if name not in log.layers:
        raise Failure(f"{name} has no threshold to analyse in this window: it is the last resort, or was never asked")
    k = log.layers.index(name)
    threshold = reader.thresholds().get(name)
    if threshold is None:
        raise Failure(f"the threshold of {name} is not known: record it with the attempts")
    return analyse_layer(log, k, threshold)


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

"""The command record: one finished task by its flags, or one fact of any kind by a sub-command.

A fact is durable when the command returns 0. One that is refused leaves the store as it was and says why (exit
code 2); the same id given twice counts once. `event` reads JSON lines and reports taken, known and rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from fedtop.cli.common import SHELL_SOURCE, get_settings, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import Command, store_option
from fedtop.cli.record_events import event

if TYPE_CHECKING:
    from pathlib import Path

    from fedstore import Receipt

__all__ = ["record"]

_LONGEST_MS = 20  # digits; more are no time, and with thousands Python refuses to count
TRUTH = click.Choice(["true", "false"], case_sensitive=False)


def _truth(_context: click.Context, _option: click.Parameter, value: str | None) -> bool | None:
    return None if value is None else value == "true"


def truth_option(name: str, text: str, *, required: bool = False) -> Callable[[Command], Command]:
    """``--name true|false``, None when it is left out."""
    return click.option(name, type=TRUTH, callback=_truth, required=required, help=text)


def common_options(command: Command) -> Command:
    """What every fact takes: store, id, time."""
    command = click.option("--at", metavar="TIME", help="When, ISO 8601 with zone or epoch ms [now].")(command)
    command = click.option("--id", metavar="ID", help="Its id: the same id recorded twice counts once.")(command)
    return store_option(command)


@click.group(invoke_without_command=True)
@click.option("--agent", metavar="NAME", help="Who did the task.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@truth_option("--success", "Whether it was done.")
@click.option("--duration", type=float, metavar="MINUTES", help="How long it took.")
@click.option("--rework", is_flag=True, help="It had to be done again: then it is no success [it had not].")
@click.option("--notes", metavar="TEXT", help="What is worth knowing.")
@click.option("--project", metavar="NAME", help="The project it belongs to.")
@common_options
@click.pass_context
def record(context: click.Context, /, *, store: Path | None, **given: Any) -> None:
    """Record a finished task, or (by a sub-command) any other fact.

    \b
    fedtop record --agent kimi --task implementation --success true --duration 25
    fedtop record outcome ROUTE --correct false --correct-agent claude
    echo '{"kind": "run", "agent": "kimi", "success": true}' | fedtop record event
    """
    context.obj = store
    if context.invoked_subcommand is not None:
        stray = [name for name, value in given.items() if value not in (None, False)]
        if stray:
            raise click.UsageError(f"--{stray[0]} belongs after {context.invoked_subcommand}, if that takes it")
        return
    missing = [f"--{name}" for name in ("agent", "task", "success") if given[name] is None]
    if missing:
        raise click.UsageError(f"a task needs {', '.join(missing)}")
    minutes = given.pop("duration")
    _write(store, {"kind": "run", "task_type": given.pop("task"), "duration_ms": _times(minutes, 60_000), **given})


@record.command()
@click.option("--task-id", metavar="ID", help="The task it was part of.")
@click.option("--run-id", metavar="ID", help="The run it was part of.")
@click.option("--agent", metavar="NAME", default="local", show_default=True, help="Who used the tool.")
@click.option("--tool", required=True, metavar="NAME", help="The tool.")
@truth_option("--success", "Whether it worked.")
@click.option("--duration", type=float, metavar="SECONDS", help="How long it took.")
@click.option("--cost", metavar="USD", help="What it cost.")
@click.option("--tokens", type=int, metavar="N", help="Tokens it used.")
@click.option("--effort", type=click.Choice(["LOW", "MEDIUM", "HIGH"], case_sensitive=False), help="Human effort.")
@click.option("--browser", is_flag=True, help="It used a browser.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@click.option("--project", metavar="NAME", help="The project.")
@common_options
@click.pass_obj
def execution(outer: Path | None, /, *, store: Path | None, **given: Any) -> None:
    """One execution of a tool."""
    fact = _renamed(given, task="task_type", cost="cost_usd", browser="browser_used", error="error_class")
    fact["duration_ms"] = _times(fact.pop("duration"), 1_000)
    _write(store or outer, {"kind": "execution", **fact})


@record.command()
@click.option("--agent", required=True, metavar="NAME", help="Who called the model.")
@click.option("--model", required=True, metavar="NAME", help="The model, as its provider names it.")
@click.option("--provider", metavar="NAME", help="The provider.")
@click.option("--operation", metavar="NAME", help="chat, embeddings ... [chat]")
@click.option("--input-tokens", type=int, default=0, metavar="N", help="All input, cache reads and writes included.")
@click.option("--cache-read-tokens", type=int, default=0, metavar="N", help="Of these, read from a cache.")
@click.option("--cache-write-tokens", type=int, default=0, metavar="N", help="Of these, written to a cache.")
@click.option("--output-tokens", type=int, default=0, metavar="N", help="All output, reasoning included.")
@click.option("--reasoning-tokens", type=int, default=0, metavar="N", help="Of these, reasoning.")
@click.option("--cost", metavar="USD", help="What it cost; without it, it is computed from the tokens.")
@click.option("--duration", type=float, metavar="SECONDS", help="How long it took.")
@click.option("--run-id", metavar="ID", help="The run it was part of.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@click.option("--project", metavar="NAME", help="The project.")
@common_options
@click.pass_obj
def usage(outer: Path | None, /, *, store: Path | None, **given: Any) -> None:
    """One call of a language model: tokens and money."""
    fact = _renamed(given, task="task_type", cost="cost_usd", error="error_class")
    fact["duration_ms"] = _times(fact.pop("duration"), 1_000)
    _write(store or outer, {"kind": "usage", **fact})


@record.command()
@click.option("--agent", required=True, metavar="NAME", help="The agent that was selected.")
@click.option("--layer", required=True, metavar="NAME", help="The layer that decided.")
@click.option("--confidence", type=float, metavar="SHARE", help="Its confidence, 0 to 1.")
@click.option("--latency", type=float, metavar="MS", help="How long the decision took.")
@click.option("--task-id", metavar="ID", help="The task that was routed.")
@click.option("--description", metavar="TEXT", help="What the task is (stored only when the settings keep content).")
@click.option("--attempt", "attempts", multiple=True, metavar="LAYER,CONFIDENCE,THRESHOLD[,AGENT[,MS]]",
              help="One layer that was asked; once for each, in cascade order.")  # fmt: skip
@common_options
@click.pass_obj
def route(outer: Path | None, /, *, store: Path | None, **given: Any) -> None:
    """One decision of the routing cascade."""
    fact = _renamed(given, latency="latency_ms")
    fact["attempts"] = [_attempt(text, fact["layer"]) for text in fact["attempts"]]
    _write(store or outer, {"kind": "route", **fact}, content=True)


@record.command(short_help="What became of a decision or a run.")
@click.argument("subject_id", metavar="ID")
@click.option("--run", "of_run", is_flag=True, help="ID is a run (flags that only runs take imply it).")
@truth_option("--correct", "Route: whether it was the right agent.")
@click.option("--correct-agent", metavar="NAME", help="Route: the agent that should have got it.")
@truth_option("--completed", "Route: whether the task was completed.")
@click.option("--duration", type=float, metavar="MINUTES", help="Route: how long the task took.")
@truth_option("--success", "Run: whether it was done after all.")
@truth_option("--rework", "Run: whether it had to be done again.")
@click.option("--qa", type=click.Choice(["passed", "warning", "failed", "error"]), help="Run: what its checks say.")
@click.option("--quality", type=float, metavar="SHARE", help="Either: the quality, 0 to 1.")
@common_options
@click.pass_obj
def outcome(outer: Path | None, /, *, store: Path | None, of_run: bool, **given: Any) -> None:
    """What became of the routing decision or the run ID, learnt later."""
    fact = _renamed(given)
    fact["completion_ms"] = _times(fact.pop("duration"), 60_000)
    of_run = of_run or any(fact[name] is not None for name in ("success", "rework", "qa"))
    _write(store or outer, {"kind": "verdict", "subject": "run" if of_run else "route", **fact})


@record.command(short_help="The state of a job.")
@click.argument("job_id", metavar="ID")
@click.argument("state", type=click.Choice(["queued", "running", "completed", "failed", "cancelled"]))
@click.option("--name", metavar="TEXT", help="What the job is called.")
@click.option("--project", metavar="NAME", help="The project.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--at", metavar="TIME", help="When, ISO 8601 with zone or epoch ms [now].")
@store_option
@click.pass_obj
def job(outer: Path | None, /, *, store: Path | None, job_id: str, **given: Any) -> None:
    """The state of the job ID; the newest state stands."""
    _write(store or outer, {"kind": "job", "id": job_id, **_renamed(given, error="error_class")})


record.add_command(event)


def _attempt(text: str, chosen: str) -> dict[str, Any]:
    """``keyword,0.82,0.85,kimi,3.2``; the layer that decided is the one that accepted."""
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 5:
        raise click.BadParameter(f"{text!r}: give LAYER,CONFIDENCE,THRESHOLD[,AGENT[,MS]]", param_hint="--attempt")
    layer, *numbers = parts[:3]
    try:
        confidence, threshold = (float(number) for number in numbers)
        latency = float(parts[4]) if len(parts) == 5 else None
    except ValueError:
        wrong = f"{text!r}: CONFIDENCE, THRESHOLD and MS are numbers"
        raise click.BadParameter(wrong, param_hint="--attempt") from None
    return {"layer": layer, "confidence": confidence, "threshold": threshold, "accepted": layer == chosen,
            "agent": parts[3] if len(parts) > 3 else "", "latency_ms": latency}  # fmt: skip


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _renamed(given: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in given.items()}


def _known(fact: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was not given; a time in epoch milliseconds as a number."""
    known = {key: value for key, value in fact.items() if value is not None}
    at = known.get("at")
    if isinstance(at, str) and at.isascii() and at.isdigit() and len(at) < _LONGEST_MS:
        known["at"] = int(at)
    return known


def _write(path: Path | None, fact: Mapping[str, Any], *, content: bool = False) -> None:
    """Record one fact and say its id. Raises Failure when it is refused."""
    settings = get_settings(store=path)
    event = _known(fact)
    if "id" not in event:
        from fedstore import new_id, now_ms

        event["id"] = new_id(now_ms())
    with open_store(settings) as store:
        receipt = store.writer(source=SHELL_SOURCE, keep_content=content and settings.keep_content).write([event])
    _say([event], receipt)


def _say(events: Iterable[Mapping[str, Any]], receipt: Receipt) -> None:
    if receipt.rejected:
        raise Failure(f"not recorded: {receipt.rejected[0][1]}")
    (event,) = events
    subject = event.get("subject_id") or event["id"]
    kind = {"run": "task", "verdict": "outcome of"}.get(event["kind"], event["kind"])
    click.echo(f"{'Already recorded' if receipt.known else 'Recorded'}: {kind} {subject}")

"""The command record: one finished task by its flags, or one fact of any kind by a sub-command.

A fact is durable when the command returns 0. One that is refused leaves the store as it was and says why (exit
code 2), by the names of the flags; the same id given twice counts once. `event` reads JSON lines and reports taken,
known and rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from fedstore import MINUTE_MS
from fedstore.recording.fast import SOURCE
from fedtop.cli.common import get_settings, open_store
from fedtop.cli.main import Failure
from fedtop.cli.options import Command, store_option
from fedtop.cli.record_events import event
from fedtop.cli.record_values import attempt_of, duration_option, in_flags, truth_option

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["record"]

_LONGEST_MS = 20  # digits; more are no time, and with thousands Python refuses to count


def common_options(command: Command) -> Command:
    """What every fact takes: store, id, time."""
    command = click.option("--at", metavar="TIME", help="When, ISO 8601 with zone or epoch ms [now].")(command)
    command = click.option("--id", metavar="ID", help="Its id: the same id recorded twice counts once.")(command)
    return store_option(command)


@click.group(invoke_without_command=True)
@click.option("--agent", metavar="NAME", help="Who did the task.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@truth_option("--success", "Whether it was done.")
@duration_option("MINUTES", MINUTE_MS, "How long it took.")
@click.option("--rework", is_flag=True, help="It had to be done again: then it is no success [it had not].")
@click.option("--notes", metavar="TEXT", help="What is worth knowing.")
@click.option("--project", metavar="NAME", help="The project it belongs to.")
@common_options
@click.pass_context
def record(context: click.Context, /, *, store: Path | None, **given: object) -> None:
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
    _write(store, {"kind": "run"}, given, task="task_type", duration="duration_ms")


@record.command()
@click.option("--task-id", metavar="ID", help="The task it was part of.")
@click.option("--run-id", metavar="ID", help="The run it was part of.")
@click.option("--agent", metavar="NAME", default="local", show_default=True, help="Who used the tool.")
@click.option("--tool", required=True, metavar="NAME", help="The tool.")
@truth_option("--success", "Whether it worked.")
@duration_option("SECONDS", 1_000, "How long it took.")
@click.option("--cost", metavar="USD", help="What it cost.")
@click.option("--tokens", type=int, metavar="N", help="Tokens it used.")
@click.option("--effort", type=click.Choice(["LOW", "MEDIUM", "HIGH"], case_sensitive=False), help="Human effort.")
@click.option("--browser", is_flag=True, help="It used a browser.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@click.option("--project", metavar="NAME", help="The project.")
@common_options
@click.pass_obj
def execution(outer: Path | None, /, *, store: Path | None, **given: object) -> None:
    """One execution of a tool."""
    _write(
        store or outer, {"kind": "execution"}, given,
        task="task_type", cost="cost_usd", browser="browser_used", error="error_class", duration="duration_ms",
    )  # fmt: skip


@record.command()
@click.option("--agent", required=True, metavar="NAME", help="Who called the model.")
@click.option("--model", required=True, metavar="NAME", help="The model, as its provider names it.")
@click.option("--provider", metavar="NAME", help="The provider.")
@click.option("--operation", metavar="NAME", help="chat, embeddings ... [chat]")
@click.option("--input-tokens", type=int, default=0, metavar="N", help="All input, cache reads and writes included.")
@click.option("--cache-read-tokens", type=int, default=0, metavar="N", help="Of these, read from a cache.")
@click.option("--cache-write-tokens", type=int, default=0, metavar="N", help="Of these, written to a cache.")
@click.option("--cache-write-1h-tokens", type=int, default=0, metavar="N", help="Of these, kept for an hour.")
@click.option("--output-tokens", type=int, default=0, metavar="N", help="All output, reasoning included.")
@click.option("--reasoning-tokens", type=int, default=0, metavar="N", help="Of these, reasoning.")
@click.option("--service-tier", metavar="NAME", help="priority, fast, flex, batch ... [the standard]")
@click.option("--cost", metavar="USD", help="What it cost; without it, it is computed from the tokens.")
@duration_option("SECONDS", 1_000, "How long it took.")
@click.option("--run-id", metavar="ID", help="The run it was part of.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--task", metavar="TYPE", help="The type of the task.")
@click.option("--project", metavar="NAME", help="The project.")
@common_options
@click.pass_obj
def usage(outer: Path | None, /, *, store: Path | None, **given: object) -> None:
    """One call of a language model: tokens and money."""
    _write(
        store or outer, {"kind": "usage"}, given,
        task="task_type", cost="cost_usd", error="error_class", duration="duration_ms",
    )  # fmt: skip


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
def route(outer: Path | None, /, *, store: Path | None, layer: str, attempts: tuple[str, ...], **given: object) -> None:
    """One decision of the routing cascade."""
    asked = [attempt_of(text, layer) for text in attempts]
    _write(store or outer, {"kind": "route"}, {**given, "layer": layer, "attempts": asked}, latency="latency_ms")


@record.command(short_help="What became of a decision or a run.")
@click.argument("subject_id", metavar="ID")
@click.option("--run", "of_run", is_flag=True, help="ID is a run (flags that only runs take imply it).")
@truth_option("--correct", "Route: whether it was the right agent.")
@click.option("--correct-agent", metavar="NAME", help="Route: the agent that should have got it.")
@truth_option("--completed", "Route: whether the task was completed.")
@duration_option("MINUTES", MINUTE_MS, "Route: how long the task took.")
@truth_option("--success", "Run: whether it was done after all.")
@truth_option("--rework", "Run: whether it had to be done again.")
@click.option("--qa", type=click.Choice(["passed", "warning", "failed", "error"]), help="Run: what its checks say.")
@click.option("--quality", type=float, metavar="SHARE", help="Either: the quality, 0 to 1.")
@common_options
@click.pass_obj
def outcome(outer: Path | None, /, *, store: Path | None, of_run: bool, **given: object) -> None:
    """What became of the routing decision or the run ID, learnt later."""
    run_flags = [*(["--run"] if of_run else []), *_flags_given(given, "success", "rework", "qa")]
    route_flags = _flags_given(given, "correct", "correct_agent", "completed", "duration")
    if run_flags and route_flags:
        raise click.UsageError(f"{run_flags[0]} is of a run, {route_flags[0]} of a routing decision: judge one of them")
    if not route_flags and not _flags_given(given, "success", "rework", "qa", "quality"):
        raise click.UsageError(
            "say what became of it: --correct of a decision, --success of a run, --quality of either"
        )
    subject = "run" if run_flags else "route"
    _write(store or outer, {"kind": "verdict", "subject": subject}, given, duration="completion_ms")


def _flags_given(given: Mapping[str, object], *names: str) -> list[str]:
    return [f"--{name.replace('_', '-')}" for name in names if given[name] is not None]


@record.command(short_help="The state of a job.")
@click.argument("job_id", metavar="ID")
@click.argument("state", type=click.Choice(["queued", "running", "completed", "failed", "cancelled"]))
@click.option("--name", metavar="TEXT", help="What the job is called.")
@click.option("--project", metavar="NAME", help="The project.")
@click.option("--error", metavar="CLASS", help="The class of the error.")
@click.option("--at", metavar="TIME", help="When, ISO 8601 with zone or epoch ms [now].")
@store_option
@click.pass_obj
def job(outer: Path | None, /, *, store: Path | None, **given: object) -> None:
    """The state of the job ID; the newest state stands."""
    _write(store or outer, {"kind": "job"}, given, job_id="id", error="error_class")


record.add_command(event)


def _known(fact: Mapping[str, object]) -> dict[str, object]:
    """Without what was not given; a time in epoch milliseconds as a number."""
    known = {key: value for key, value in fact.items() if value is not None}
    at = known.get("at")
    if isinstance(at, str) and at.isascii() and at.isdigit() and len(at) < _LONGEST_MS:
        known["at"] = int(at)
    return known


def _write(path: Path | None, fact: Mapping[str, object], given: Mapping[str, object], **fields: str) -> None:
    """Record a fact from the flags given, where ``fields`` names a field that is called otherwise than its flag.

    Says its id. Raises Failure when it is refused.
    """
    settings = get_settings(purpose="recording", store=path)
    event = {**fact, **_known({fields.get(name, name): value for name, value in given.items()})}
    if "id" not in event:
        from fedstore import new_id, now_ms

        event["id"] = new_id(now_ms())
    with open_store(settings) as store:
        receipt = store.writer(source=SOURCE, keep_content=settings.keep_content).write([event])
    if receipt.rejected:
        command = click.get_current_context().command
        flags = {fields.get(str(flag.name), str(flag.name)): _flag(flag) for flag in command.params}
        raise Failure(f"not recorded: {in_flags(receipt.rejected[0][1], flags)}")
    subject = event.get("subject_id") or event["id"]
    kind = {"run": "task", "verdict": "outcome of"}.get(str(event["kind"]), event["kind"])
    click.echo(f"{'Already recorded' if receipt.known else 'Recorded'}: {kind} {_stored(str(subject))}")


def _stored(said: str) -> str:
    """An id as the store has it: what a terminal would obey is not in it."""
    from fedstore import clean_id

    with suppress(ValueError):  # empty: whoever has such a subject told nothing
        return clean_id(said)
    return ""


def _flag(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else str(parameter.metavar)

"""The commands of the loop: optimize, tune, apply, changes, undo.

A plan is shown before it is applied, and what is applied is exactly that plan. With --dry-run nothing changes.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fedstore.learning.rules import (
    BOOST_RULES,
    DEFAULT_BOOST_RULE,
    DEFAULT_TUNE_RULE,
    EVIDENCE_WINDOWS,
    TUNE_RULES,
    BoostRule,
    PlanKind,
)
from fedtop.about import About
from fedtop.cli.common import end_of, get_settings, now_ms, open_store, open_to_propose
from fedtop.cli.main import Failure
from fedtop.cli.notice import Notice, notice_for
from fedtop.cli.options import (
    Command,
    FiniteRange,
    View,
    limit_option,
    plain_options,
    readonly_option,
    taking_view,
    window_options,
)
from fedtop.cli.output import emit, look_for, plain_value, print_json, show
from fedtop.saying import printable
from fedtop.user import user_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rich.console import RenderableType

    from fedstore import Change, Plan, PolicyStore, Reader
    from fedstore.learning.tuning_types import TuneSettings
    from fedtop.plain.look import Look

__all__ = ["apply", "changes", "optimize", "tune"]

CONSENT = "--uncertified"
REFUSE = "Refuse to change anything."
_TASKS, _DECISIONS = About("agent"), About("layer")

uncertified_option = click.option(
    CONSENT, is_flag=True, help="Apply a plan whose accuracy is not certified without being asked."
)


def loop_options(kind: PlanKind) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of a view that can change something; a plan of the kind says what its window is."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        return taking_view(command, window_options(EVIDENCE_WINDOWS[kind]), readonly_option(REFUSE))

    return add


def rule_option(rules: Iterable[str], text: str) -> Callable[[Command], Command]:
    """`--rule`, and its former name `--policy`."""
    names = click.Choice(tuple(rules))
    return click.option("--rule", "--policy", "rule", type=names, help=f"{text} (--policy is the old name).")


def changing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what changes something whatever time it is about."""
    return taking_view(command, readonly_option(REFUSE))


@contextmanager
def open_policy(view: View, *, dry_run: bool = False) -> Iterator[tuple[PolicyStore, Reader]]:
    """The policy of the store, and a reader. For a dry run it is enough that the store can be read."""
    from fedstore import PolicyStore

    settings = get_settings(view)
    with open_to_propose(settings) if dry_run else open_store(settings, create=False) as store:
        yield PolicyStore(store), store.reader()


@click.command()
@click.option("--dry-run", "-d", is_flag=True, help="Show what would change; change nothing.")
@rule_option(BOOST_RULES, f"The rule for boosts [{DEFAULT_BOOST_RULE}, or the setting]")
@loop_options("optimize")
def optimize(view: View, *, dry_run: bool, rule: BoostRule | None) -> None:
    """Propose routing boosts for agents from what they achieved, and apply them."""
    with open_policy(view, dry_run=dry_run) as (policy, reader):
        window = policy.evidence("optimize", view.window or "", end_of(reader, view.at, _TASKS))
        found = policy.propose_optimize(rule, window)
        _show_and_apply(view, policy, found, dry_run=dry_run, past=notice_for(reader, window, _TASKS))


@click.command()
@click.option("--dry-run", "-d", is_flag=True, help="Show what would change; change nothing.")
@click.option("-m", "--min-samples", type=click.IntRange(1), metavar="N",
              help="A layer moves only with so many graded attempts [100].")  # fmt: skip
@click.option("-l", "--layer", metavar="NAME", help="Move only this layer.")
@click.option("--target", type=FiniteRange(0, 1, min_open=True, max_open=True), metavar="SHARE",
              help="The accuracy a new setting must keep [0.95].")  # fmt: skip
@click.option(
    "--max-clarify", type=FiniteRange(0, 1), metavar="SHARE", help="The most that may be asked back [no cap]."
)
@click.option("--confidence", type=FiniteRange(0, 1, min_open=True, max_open=True), metavar="SHARE",
              help="How sure a certificate is [0.95]; 0.99 where nobody looks.")  # fmt: skip
@click.option("--margin", type=FiniteRange(0, 1, min_open=True, max_open=True), metavar="SHARE",
              help="Decisions that no-worse lets get worse [0.01].")  # fmt: skip
@click.option("--clarify-cost-ms", type=FiniteRange(0), metavar="MS",
              help="What asking back costs, as latency [2000].")  # fmt: skip
@click.option("--clarify-error", type=FiniteRange(0, 1), metavar="SHARE",
              help="Clarifications taken to end at the wrong agent [0].")  # fmt: skip
@click.option("--censor-hours", type=FiniteRange(0), metavar="HOURS",
              help="Newest hours left out, whose outcomes may still come [0].")  # fmt: skip
@click.option(
    "-a",
    "--aggressive",
    is_flag=True,
    help="Larger steps: within 0.15 of the present thresholds; of a seed rule 0.10, not 0.05.",
)
@rule_option(TUNE_RULES, f"The rule for thresholds [{DEFAULT_TUNE_RULE}, or the setting]")
@uncertified_option
@loop_options("tune")
def tune(view: View, *, dry_run: bool, uncertified: bool, **given: Any) -> None:
    """Propose thresholds for the routing cascade by replaying its decisions, and apply what is certified."""
    with open_policy(view, dry_run=dry_run) as (policy, reader):
        window = policy.evidence("tune", view.window or "", end_of(reader, view.at, _DECISIONS))
        with _progress() as progress:
            wanted = policy.tune_settings(**_tune_settings(given))
            _refuse_idle(wanted, given)
            found = policy.propose_tune(wanted, window, progress=progress)
        _show_and_apply(
            view, policy, found, dry_run=dry_run, consent=uncertified, past=notice_for(reader, window, _DECISIONS)
        )


_SETTING_OF = {"min_samples": "min_graded"}


def _tune_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say; the settings file says the rest."""
    return {_SETTING_OF.get(name, name): value for name, value in given.items() if value is not None}


def _refuse_idle(wanted: TuneSettings, given: Mapping[str, Any]) -> None:
    """Raise Failure for options that would do nothing under the rule for thresholds."""
    idle = {
        _SETTING_OF.get(name, name): f"--{name.replace('_', '-')}"
        for name, value in given.items()
        if value is not None and value is not False and _SETTING_OF.get(name, name) in wanted.idle
    }
    if not idle:
        return
    others = [rule for rule in TUNE_RULES if not replace(wanted, rule=rule).idle & idle.keys()]
    verb, them = ("do", "them") if len(idle) > 1 else ("does", "it")
    raise Failure(
        f"{', '.join(idle.values())} {verb} nothing with --rule {wanted.rule}: leave {them} out, or choose"
        f" --rule {' or '.join(others)}"
    )


@contextmanager
def _progress() -> Iterator[Callable[[float], None] | None]:
    """A progress bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("replaying decisions", total=1.0)
        yield lambda share: shown.update(task, completed=share)


def _show_and_apply(
    view: View, policy: PolicyStore, found: Plan, *, dry_run: bool, past: Notice, consent: bool = False
) -> None:
    """Print the plan; apply it unless it is a dry run, changes nothing, or is not certified and nobody consents."""
    wanted = not dry_run and found.changed
    past = past.unless(found.extent and found.extent.facts)
    if wanted and not policy.keeps(found):
        raise Failure("nothing was changed: the store cannot be written: check its permissions, or add --dry-run")
    refusal = policy.refusal(found)
    if view.as_json:
        change = policy.apply(found, who=user_name("shell")) if wanted and (consent or found.is_certified) else None
        print_json({
            "plan": found.to_dict(), "dry_run": dry_run, "change": change and change.to_dict(),
            "refusal": refusal or None, "notice": past.code,
        })  # fmt: skip
        if wanted and change is None:
            raise Failure(_refusal(view, found))
        return
    _print_plan(view, found, dry_run=dry_run)
    if not found.changed and past.code:
        click.echo(f"\n{past.text(look_for(view))}")
    if wanted:
        _need_consent(view, found, given=consent)
        _print_change(view, policy.apply(found, who=user_name("shell")), "Applied")
    elif found.changed and not policy.keeps(found):
        click.echo("\nThe store was only read, so this plan is not kept and cannot be applied.")
    elif refusal:
        click.echo(f"\nIt cannot be applied: {refusal}.")
    elif found.changed:
        click.echo(f"\nTo put it in force: {_how_to_apply(view, found)}")


def _need_consent(view: View, found: Plan, *, given: bool) -> None:
    """Ask before what is not certified is applied; raise Failure where nobody can be asked, or says no."""
    if given or found.is_certified:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(_refusal(view, found))
    if not click.confirm(f"\n{_NOT_CERTIFIED} Apply {found.id} nevertheless?", err=True):
        raise Failure(f"nothing was changed: plan {found.id} was not applied")


_NOT_CERTIFIED = "This plan is not certified: accuracy may fall short of the target."


def _refusal(view: View, found: Plan) -> str:
    state = f"plan {found.id} is not certified ({found.conclusion})"
    return f"nothing was changed: {state}: `{_how_to_apply(view, found)}` applies it"


def _how_to_apply(view: View, found: Plan) -> str:
    return _again(view, f"apply {found.id}") + ("" if found.is_certified else f" {CONSENT}")


def _again(view: View, command: str) -> str:
    """The line that calls another command on the same store."""
    return f"fedtop {command}" + ("" if view.store is None else f" --store {shlex.quote(str(view.store))}")


def _print_plan(view: View, found: Plan, *, dry_run: bool) -> None:
    from fedtop.views.plan.printed import plan

    look = look_for(view)
    if found.kind == "optimize":
        from fedstore import optimization_text
        from fedtop.sanitize import scrub

        text = optimization_text(found, dry_run=dry_run, ascii_only=look.glyphs.ascii)
        click.echo("\n".join(scrub(look.cell(line)) for line in text.split("\n")) + "\n")
    show(plan(found, look, dry_run=dry_run), look)


def _print_change(view: View, change: Change, word: str) -> None:
    back = f"`{_again(view, f'undo {change.id}')}` takes it back"
    click.echo(f"\n{word}: change #{change.id}, policy version {change.new_version} ({back})")
    for warning in change.warnings:
        click.echo(f"fedtop: {printable(' '.join(warning.split()))}", err=True)


@click.command()
@click.argument("plan_id", metavar="PLAN")
@uncertified_option
@changing_options
def apply(view: View, *, plan_id: str, uncertified: bool) -> None:
    """Apply the PLAN that a dry run showed, exactly as it was shown."""
    with open_policy(view) as (policy, _reader):
        found = policy.plan(plan_id)
        _need_consent(view, found, given=uncertified)
        change = policy.apply(found, who=user_name("shell"))
    _tell(view, change, "Applied")


@click.command()
@click.argument("change_id", required=False, type=int, metavar="[ID]")
@changing_options
def undo(view: View, *, change_id: int | None) -> None:
    """Take back the last change, or the one with ID: the policy is exactly what it was before."""
    asked_ms = now_ms()  # before the store is opened: another undo may be under way
    with open_policy(view) as (policy, _reader):
        change = policy.undo(change_id, who=user_name("shell"), asked_ms=asked_ms)
    _tell(view, change, f"Took back #{change.undoes}")


def _tell(view: View, change: Change, word: str) -> None:
    if view.as_json:
        print_json(change.to_dict())
    else:
        _print_change(view, change, word)


@click.command()
@limit_option(20, 10_000)
@plain_options
def changes(view: View, *, limit: int) -> None:
    """What was changed, by whom, on which evidence, and what happened since. Newest first."""
    settings = get_settings(view)
    from fedstore import PolicyStore

    with open_store(settings, readonly=True) as opened:
        found = PolicyStore(opened).changes(limit)

    def draw(look: Look) -> RenderableType:
        from fedtop.views.ledger.printed import changes as page

        return page(found, look)

    emit(view, {"made_ms": now_ms(), "changes": [plain_value(change.to_dict()) for change in found]}, draw)

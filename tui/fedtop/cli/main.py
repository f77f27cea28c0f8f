"""The command group: a table of commands, each imported when it is called, and what an error looks like.

`--help` needs Click and this table only. Whatever goes wrong reaches the user as one line on stderr: exit code
2 when something about the call or the store has to change, 70 for a fault of the program (FEDTOP_DEBUG=1 then
shows where), 130 after Ctrl-C. Without a command, `top` is meant.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import IO, TYPE_CHECKING, NamedTuple, NoReturn

import click

from fedtop.saying import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "CommandSpec", "Failure", "LazyGroup", "cli"]

USAGE_CODE = 2
FAULT_CODE = 70
INTERRUPT_CODE = 130
_VALUED = frozenset({"--store", "-w", "--window", "--at", "-i", "--interval", "--tab", "--theme"})


class CommandSpec(NamedTuple):
    """Where a command lives (`module` below fedtop.cli, attribute `name`) and its line in the help."""

    section: str
    module: str
    attribute: str
    help: str


_WATCH, _RECORD, _LOOP, _KEEP = "Watch", "Record", "Measure, propose, apply, verify, undo", "Keep"

COMMANDS: dict[str, CommandSpec] = {
    "top": CommandSpec(_WATCH, "top", "top", "The live pane (what `fedtop` alone opens)."),
    "demo": CommandSpec(_WATCH, "top", "demo", "The pane on a simulated federation; nothing to set up."),
    "dashboard": CommandSpec(_WATCH, "overview", "dashboard", "The federation at a glance."),
    "agent": CommandSpec(_WATCH, "overview", "agent", "One agent: totals, task types, tools, models, peers."),
    "task-type": CommandSpec(_WATCH, "overview", "task_type", "One task type across all agents."),
    "layers": CommandSpec(_WATCH, "cascade", "layers", "The routing cascade, or the analysis of one layer."),
    "why": CommandSpec(_WATCH, "cascade", "why", "Why one decision went where it went."),
    "costs": CommandSpec(_WATCH, "spending", "costs", "Spend by model, agent, project, task type or operation."),
    "tools": CommandSpec(_WATCH, "spending", "tools", "Which tools can be trusted."),
    "runs": CommandSpec(_WATCH, "runs", "runs", "The newest runs."),
    "run": CommandSpec(_WATCH, "runs", "run", "One run."),
    "record": CommandSpec(_RECORD, "record", "record", "Record a finished task, or any other fact."),
    "import": CommandSpec(_RECORD, "importing", "import_command", "Read files of any known format."),
    "sample": CommandSpec(_RECORD, "importing", "sample", "Generate routing decisions to try things on."),
    "grade": CommandSpec(_RECORD, "grading", "grade", "Say whether a run or a decision was right."),
    "optimize": CommandSpec(_LOOP, "loop", "optimize", "Propose routing boosts for agents, and apply them."),
    "tune": CommandSpec(_LOOP, "loop", "tune", "Propose thresholds for the cascade, and apply them."),
    "apply": CommandSpec(_LOOP, "loop", "apply", "Apply a plan exactly as it was shown."),
    "changes": CommandSpec(_LOOP, "loop", "changes", "What was changed, and what happened since."),
    "undo": CommandSpec(_LOOP, "loop", "undo", "Take back the last change, or the one named."),
    "policy": CommandSpec(_LOOP, "policy", "policy", "The boosts and thresholds in force, for a router."),
    "export": CommandSpec(_KEEP, "exporting", "export", "Write what is known as JSON, CSV, metrics or routing log."),
    "schema": CommandSpec(_KEEP, "exporting", "schema", "The JSON schema of routing logs or of events."),
    "maintain": CommandSpec(_KEEP, "upkeep", "maintain", "Purge what is due; watch what was changed."),
    "doctor": CommandSpec(_KEEP, "upkeep", "doctor", "Check the store and say what to do."),
    "config": CommandSpec(_KEEP, "upkeep", "config", "The settings and where each comes from."),
    "completion": CommandSpec(_KEEP, "upkeep", "completion", "The completion script for your shell."),
}


FORMER_COMMANDS = {"label": "grade"}
"""Commands by their old names, which still work and are listed nowhere."""


class Failure(click.ClickException):
    """One line on stderr and an exit code."""

    def __init__(self, message: str, code: int = USAGE_CODE) -> None:
        super().__init__(" ".join(message.split()))
        self.code = code

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """What the process ends with."""
        return self.code

    def show(self, file: IO[str] | None = None) -> None:
        """Write the line; control characters in it (names come from outside) never reach the terminal."""
        click.echo(f"fedtop: {printable(self.format_message())}", file=file, err=file is None)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command; None for an unknown name."""
        spec = COMMANDS.get(FORMER_COMMANDS.get(cmd_name, cmd_name))
        if spec is None:
            return None
        command: click.Command = getattr(import_module(f"fedtop.cli.{spec.module}"), spec.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table by section, without importing a command."""
        for section in dict.fromkeys(spec.section for spec in COMMANDS.values()):
            with formatter.section(section):
                rows = [(name, spec.help) for name, spec in COMMANDS.items() if spec.section == section]
                formatter.write_dl(rows, col_max=14)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let options stand before the command's name, and mean `top` when there is no name."""
        typing_it = ctx.resilient_parsing and not args  # the shell asks what may come first
        return super().parse_args(ctx, args if typing_it else with_command(args))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands by their line in the table, and the options of `top`, which needs no name."""
        from click.shell_completion import CompletionItem

        if not incomplete.startswith("-"):
            return [
                CompletionItem(name, help=spec.help) for name, spec in COMMANDS.items() if name.startswith(incomplete)
            ]
        top = self.get_command(ctx, "top")
        found = click.Command.shell_complete(self, ctx, incomplete)
        found += [] if top is None else top.shell_complete(click.Context(top), incomplete)
        return list({item.value: item for item in found}.values())

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; every error it raises becomes one line."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise _usage(error) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPT_CODE) from None
        except Exception as error:  # noqa: BLE001 - the last net: a user gets a line, never a traceback
            _fail(error)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does, with the nearest name for a mistyped one."""
        if args[0] not in COMMANDS and args[0] not in FORMER_COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `fedtop {near[0]}`?" if near else "see `fedtop --help`"
            raise Failure(f"there is no command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)


def with_command(args: Sequence[str]) -> list[str]:
    """The arguments with the command's name first: `--store x costs` is `costs --store x`, none is `top`."""
    if not args:
        return ["top"]
    if not args[0].startswith("-") or args[0] in ("-h", "--help", "--version"):
        return list(args)
    for at, word in enumerate(args):
        if (word in COMMANDS or word in FORMER_COMMANDS) and args[at - 1] not in _VALUED:
            return [word, *args[:at], *args[at + 1 :]]
    return ["top", *args]


def _usage(error: click.UsageError) -> Failure:
    path = error.ctx.command_path if error.ctx is not None else "fedtop"
    return Failure(f"{error.format_message().rstrip('.')} (see `{path} --help`)")


def _fail(error: Exception) -> NoReturn:
    from fedstore import FedstoreError

    if os.environ.get("FEDTOP_DEBUG"):
        raise error
    if isinstance(error, FedstoreError):
        raise Failure(str(error)) from error
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror}") from error
    message = f"unexpected {type(error).__name__}: {error} (FEDTOP_DEBUG=1 shows where; `fedtop doctor` may help)"
    raise Failure(message, FAULT_CODE) from error


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`fedtop COMMAND --help` tells more. The store: --store, FEDTOP_STORE, else one file in your data folder.",
)
@click.version_option(package_name="fedtop", message="fedtop %(version)s")
def cli() -> None:
    """Top for a federation of AI agents and the routing cascade in front of it."""

"""Where the command begins: quick lanes for what scripts call often, and the whole command line behind them.

`fedtop --help` prints a text made beforehand, a plain `fedtop record` writes its task and a plain `fedtop import` says
that nothing is new, without importing Click, pydantic or sqlite-utils; each says and does what the whole command line
would. Everything else goes there.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line; the exit code."""
    _open_streams()
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        return _print_help()
    if arguments[:1] == ["import"]:
        from fedtop.fast_import import try_import

        code = try_import(arguments[1:])
        if code is not None:
            return code
    if arguments[:1] == ["record"]:
        from fedtop.fast_record import try_record

        code = try_record(arguments[1:])
        if code is not None:
            return code
    from fedtop.cli.main import cli
    from fedtop.saying import settle

    try:
        cli(prog_name="fedtop")
    finally:
        settle()
    return 0


def _open_streams() -> None:
    """Give a stream that was closed by who started us somewhere to go, before a file takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it stays open like the stream it stands for


def _print_help() -> int:
    from fedtop.saying import say

    with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as text:
        return say(text.read())


if __name__ == "__main__":
    sys.exit(main())

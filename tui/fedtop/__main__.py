"""Where the command begins: two quick lanes for what scripts call often, and the whole command line behind them.

`fedtop --help` prints a text made beforehand, and a plain `fedtop record` writes its task without importing Click,
pydantic or sqlite-utils; each says and does what the whole command line would. Everything else goes there.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line; the exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        return _print_help()
    if arguments[:1] == ["record"]:
        from fedtop.fast_record import try_record

        code = try_record(arguments[1:])
        if code is not None:
            return code
    from fedtop.cli.main import cli

    cli(prog_name="fedtop")
    return 0


def _print_help() -> int:
    import os

    try:
        with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as text:
            sys.stdout.write(text.read())
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; nothing more can be said to it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

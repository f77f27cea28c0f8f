"""Checks a built wheel: it holds exactly the files of both packages, and works on its own.

`python scripts/check_wheel.py dist/fedtop-1.0-py3-none-any.whl`. The wheel is unpacked into a folder that comes
before any editable install, so that the command runs from what was packed, data files included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "store" / "fedstore", ROOT / "tui" / "fedtop")
SMOKE = "import fedstore, fedtop.app, sys; print(fedstore.__file__, fedtop.app.__file__, sep='\\n')"


def sources() -> set[str]:
    """The files that belong into a wheel, as it names them."""
    return {
        path.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def compare(wheel: zipfile.ZipFile) -> list[str]:
    """What is missing in the wheel, and what should not be there."""
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    missing = [f"missing: {name}" for name in sorted(sources() - packed)]
    return missing + [f"not from the sources: {name}" for name in sorted(packed - sources())]


def run_from(folder: Path) -> None:
    """Import the packages and run the command from the unpacked wheel. Raises CalledProcessError."""
    path = folder / "fedtop.db"
    environment = os.environ | {"PYTHONPATH": str(folder), "FEDTOP_STORE": str(path)}

    def python(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    for line in python("-c", SMOKE).splitlines():
        if not Path(line).is_relative_to(folder):
            raise SystemExit(f"imported from {line}, not from the wheel")
    python("-m", "fedtop", "--help")
    python("-m", "fedtop", "record", "--agent", "a", "--task", "t", "--success", "true")
    python("-m", "fedtop", "dashboard")
    python("-m", "fedtop", "demo", "--once")


def main() -> None:
    """Exit code 1 with one line per fault."""
    with zipfile.ZipFile(sys.argv[1]) as wheel, tempfile.TemporaryDirectory() as folder:
        faults = compare(wheel)
        if faults:
            raise SystemExit("\n".join(faults))
        wheel.extractall(folder)
        run_from(Path(folder).resolve())
        print(f"{Path(sys.argv[1]).name}: {len(wheel.namelist())} files, works on its own")


if __name__ == "__main__":
    main()

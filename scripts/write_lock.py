"""Writes requirements.lock: the exact versions that the tests ran with, one per line.

Run it with the oldest supported Python, so that every pin exists for all of them: `python3.11 scripts/write_lock.py`.
It installs the project with its `dev` extra into a new virtual environment and writes down what pip chose.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
HEADER = """\
# Exact versions for `pip install -c requirements.lock`; written by `python3.11 scripts/write_lock.py`, which
# installs the project with its dev extra into a new environment. Nothing here is wanted beyond pyproject.toml.
"""


def resolved() -> list[str]:
    """`name==version` of all that a fresh install of the project with its dev extra brings along."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-e", f"{ROOT}[dev]"], check=True)
        freeze = [python, "-m", "pip", "freeze", "--exclude-editable"]
        return subprocess.run(freeze, check=True, capture_output=True, text=True).stdout.splitlines()


def main() -> None:
    """Write the file beside pyproject.toml."""
    if sys.version_info[:2] != OLDEST:
        raise SystemExit(f"run this with Python {'.'.join(map(str, OLDEST))}: newer ones choose pins it cannot install")
    lines = resolved()
    strange = [line for line in lines if "==" not in line]
    if strange:
        raise SystemExit(f"not from an index, so no pin: {', '.join(strange)}")
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.lock: {len(lines)} pins")


if __name__ == "__main__":
    main()

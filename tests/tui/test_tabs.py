"""A tab is one folder and one line: what follows from the line is shown by really adding one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fedtop
from fedstore import Recorder, Store
from fedtop.tabs import TABS, tab_named

PANEL = """
from textual.widgets import Static

from fedtop.tabs import tab_named
from fedtop.views.panel import Panel


class PulsePanel(Panel):
    panel_id = tab_named("pulse").id

    def compose(self):
        yield Static("", id="pulse-count")

    def read(self, reader, window, args):
        return len(reader.runs(window))

    def show(self, data, view):
        self.query_one("#pulse-count", Static).update(f"{data} beats")
"""
STYLES = "#pulse-count { width: 17; height: 1; }"
PAGE = """
from fedtop.plain.page import Page


def pulse_page(reader, window, alarms):
    beats = len(reader.runs(window))
    return Page({"beats": beats}, beats > 0, lambda look, notice: notice or f"{beats} beats")
"""
LINE = '    Tab("pulse", "Pulse", "PulsePanel", "pulse_page", "agent"),\n'

PRESSED = """
import asyncio, sys
from fedstore import Store
from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from textual.widgets import Static


async def shown(app, pilot, tab):
    for _ in range(500):
        await pilot.pause(0.02)
        if app.top_panel is not None and app.top_panel.panel_id == tab and app.top_panel.shown:
            break


async def main(path):
    with Store(path, readonly=True) as store:
        app = FedtopApp(store, AppOptions())
        async with app.run_test(size=(120, 30)) as pilot:
            await shown(app, pilot, "overview")
            await pilot.press("6")
            await shown(app, pilot, "pulse")
            count = app.screen.query_one("#pulse-count", Static)
            header = "".join(segment.text for segment in app.screen._compositor.render_strips()[0])
            print(f"{header.strip()}|{count.render()}|{count.styles.width}")


asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with one more tab: a folder, and a line in the table."""
    root = tmp_path_factory.mktemp("widened")
    package = root / "fedtop"
    shutil.copytree(Path(fedtop.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    folder = package / "views" / "pulse"
    folder.mkdir()
    for name, text in {"__init__.py": "", "panel.py": PANEL, "panel.tcss": STYLES, "page.py": PAGE}.items():
        (folder / name).write_text(text, encoding="utf-8")
    table = package / "tabs.py"
    before, end, after = table.read_text(encoding="utf-8").partition('\n)\n"""In the order of the header')
    assert end
    table.write_text(f"{before}\n{LINE.rstrip()}{end}{after}", encoding="utf-8")
    with Store(root / "fedtop.db") as store, Recorder(store) as recorder:
        for _ in range(3):
            recorder.task("kimi", "review", True)
    return root


def run(widened: Path, *arguments: str) -> str:
    """What a command of the copy prints."""
    paths = [str(widened), *filter(None, [os.environ.get("PYTHONPATH")]), str(Path(fedtop.__file__).parents[1])]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FEDTOP_")}
    environment = ours | {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(widened), "XDG_CONFIG_HOME": str(widened)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def top(widened: Path, *arguments: str) -> str:
    """What `fedtop top --tab pulse` of the copy prints."""
    store = str(widened / "fedtop.db")
    return run(widened, "-m", "fedtop", "top", "--tab", "pulse", "--once", "--store", store, *arguments)


def test_a_tab_is_printed_as_text(widened: Path) -> None:
    assert top(widened) == "3 beats\n"


def test_a_tab_is_printed_as_json(widened: Path) -> None:
    assert json.loads(top(widened, "--json")) == {"notice": None, "beats": 3}


def test_a_tab_without_a_fact_says_when_there_was_one(widened: Path) -> None:
    shown = top(widened, "--at", "2020-01-01")
    assert shown.startswith("The newest activity of an agent is from")


def test_a_tab_has_a_key_a_place_in_the_header_and_its_styles(widened: Path) -> None:
    header, shown, width = run(widened, "-c", PRESSED, str(widened / "fedtop.db")).strip().split("|")
    assert "6 Pulse" in header
    assert shown == "3 beats"
    assert width == "17"


def test_a_tab_is_offered_by_the_help_and_the_list_of_keys(widened: Path) -> None:
    assert "pulse" in run(widened, "-m", "fedtop", "top", "--help")
    assert "tabs.6" in run(widened, "-c", "from fedtop.keys import KEYS; print(*(key.id for key in KEYS))")


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.id)
def test_every_tab_has_all_its_parts(tab) -> None:
    assert (Path(fedtop.__file__).parent / tab.styles).is_file()
    assert callable(tab.load_page())


def test_no_tab_stands_twice() -> None:
    assert len({tab.id for tab in TABS}) == len({tab.label for tab in TABS}) == len(TABS)
    with pytest.raises(KeyError):
        tab_named("moon")

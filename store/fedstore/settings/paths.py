"""Where the store and the settings lie: asked for, in the environment, in the settings file, else the user's folder.

Imports next to nothing (not even pathlib) until it must, because a shell that records one task asks here too.
`FEDTOP_STORE` and `FEDTOP_CONFIG` name a store and a settings file; an empty variable counts as unset.
"""

from __future__ import annotations

import os
import sys

from fedstore.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "config_file", "default_config_path", "default_store_path", "from_here", "in_full", "read_toml",
    "routing_config_path", "store_file", "writable_store_file",
]  # fmt: skip

APP_NAME = "fedtop"
STORE_NAME = "fedtop.db"
CONFIG_NAME = "config.toml"
_XDG = {"config": ("XDG_CONFIG_HOME", "~/.config"), "data": ("XDG_DATA_HOME", "~/.local/share")}


def default_config_path() -> Path:
    """The settings file: `FEDTOP_CONFIG`, else `config.toml` in the user's configuration folder."""
    from pathlib import Path

    return Path(config_file())


def default_store_path() -> Path:
    """The store: `FEDTOP_STORE`, else `store` of the settings file, else the user's data folder.

    Raises SettingsError when the settings file cannot be read.
    """
    from pathlib import Path

    return Path(store_file())


def in_full(path: str | Path, folder: str = "") -> str:
    """A path in full, seen from `folder` or else the present one; `~` is the user's.

    As it was where the present folder was deleted.
    """
    expanded = os.path.join(folder, os.path.expanduser(path))
    try:
        return os.path.abspath(expanded)
    except OSError:
        return expanded


def from_here(named: str | Path | None) -> Callable[[], str]:
    """What tells the place of a store, named or (when it is asked) the default one, in full.

    A relative path means the folder that the process is in now, wherever it goes before it asks.
    """
    folder = in_full("")
    return lambda: in_full(store_file() if named is None else named, folder)


def config_file() -> str:
    """`default_config_path` as text."""
    named = os.environ.get("FEDTOP_CONFIG")
    return os.path.expanduser(named) if named else os.path.join(_folder("config"), CONFIG_NAME)


def store_file() -> str:
    """`default_store_path` as text."""
    named = os.environ.get("FEDTOP_STORE")
    if named:
        return os.path.expanduser(named)
    config = config_file()
    configured = read_toml(config).get("store") if os.path.isfile(config) else None
    if isinstance(configured, str) and configured:
        return os.path.expanduser(configured)
    return os.path.join(_folder("data"), STORE_NAME)


def routing_config_path() -> str | None:
    """The router's `config.json` that the settings file names, in full. Raises SettingsError."""
    config = config_file()
    named = read_toml(config).get("routing_config_json") if os.path.isfile(config) else None
    return in_full(named) if isinstance(named, str) and named else None


def writable_store_file(named: str | None) -> str | None:
    """The store to write: as named, else as the environment or the settings say; None where the settings forbid it."""
    config = config_file()
    if os.path.isfile(config) and read_toml(config).get("readonly", False) is not False:
        return None
    return named or store_file()


def _folder(kind: str) -> str:
    """The user's folder for our "config" or "data", as platformdirs names it.

    On Linux its rule is two lines, and importing platformdirs would take longer than recording a task.
    """
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        variable, usual = _XDG[kind]
        base = os.environ.get(variable, "")
        return os.path.join(base if os.path.isabs(base) else os.path.expanduser(usual), APP_NAME)
    import platformdirs

    find = platformdirs.user_config_dir if kind == "config" else platformdirs.user_data_dir
    return find(APP_NAME, appauthor=False)


def read_toml(path: str | Path) -> dict[str, object]:
    """The tables of a TOML file. Raises SettingsError in one line."""
    import tomllib

    try:
        with open(path, "rb") as file:
            return tomllib.loads(file.read().decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    except RecursionError as error:
        raise SettingsError(f"{path} is nested too deeply: correct it or move it away") from error
    except (ValueError, UnicodeDecodeError) as error:  # TOMLDecodeError; or a number of thousands of digits
        raise SettingsError(f"{path} is not valid TOML ({error}): correct it or move it away") from error

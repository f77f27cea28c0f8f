"""Where the store and the settings lie: asked for, in the environment, in the settings file, else the user's folder.

Imports only the standard library until a default is really needed, because the shell's quick lane asks here too.
``FEDTOP_STORE`` and ``FEDTOP_CONFIG`` name a store and a settings file; an empty variable counts as unset.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fedstore.errors import SettingsError

__all__ = ["default_config_path", "default_store_path", "read_toml"]

APP_NAME = "fedtop"
STORE_NAME = "fedtop.db"
CONFIG_NAME = "config.toml"


def default_config_path() -> Path:
    """The settings file: ``FEDTOP_CONFIG``, else ``config.toml`` in the user's configuration folder."""
    named = os.environ.get("FEDTOP_CONFIG")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path(APP_NAME, appauthor=False) / CONFIG_NAME


def default_store_path() -> Path:
    """The store: ``FEDTOP_STORE``, else ``store`` of the settings file, else the user's data folder.

    Raises SettingsError when the settings file cannot be read.
    """
    named = os.environ.get("FEDTOP_STORE")
    if named:
        return Path(named).expanduser()
    config = default_config_path()
    configured = read_toml(config).get("store") if config.is_file() else None
    if isinstance(configured, str) and configured:
        return Path(configured).expanduser()
    from platformdirs import user_data_path

    return user_data_path(APP_NAME, appauthor=False) / STORE_NAME


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises SettingsError in one line."""
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML ({error}): correct it or move it away") from error

"""The policy in force as text for routers: JSON, shell variables, a routing `config.json`, a `metrics.json`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.errors import FedstoreError
from fedstore.files import replace_text
from fedstore.policy import ledger
from fedstore.policy.body import PolicyBody
from fedstore.policy.metrics_file import metrics_of, sync_metrics
from fedstore.policy.sinks import new_config, write_thresholds
from fedstore.policy.sync import optimization_history

if TYPE_CHECKING:
    from fedstore.store import Store

__all__ = ["POLICY_FORMS", "environment", "export_policy"]

POLICY_FORMS = ("json", "env", "config", "metrics")


def export_policy(store: Store, form: str = "json", output: str | Path | None = None) -> str:
    """The policy in force as text in one of `POLICY_FORMS`; also written to `output` if given.

    Of an existing `config.json` or `metrics.json` only the values change, and that is what is returned.
    Raises FedstoreError.
    """
    version, body = ledger.current(store.database.read)
    file = None if output is None else Path(output)
    if form not in POLICY_FORMS:
        raise FedstoreError(f"{form!r} is not a form of export: use {', '.join(POLICY_FORMS)}")
    if form == "metrics":
        return _metrics(store, body, file)
    if form == "config" and file is not None and file.exists():
        write_thresholds(file, dict(body.thresholds), body.disabled)
        return file.read_text(encoding="utf-8")
    text = {"json": _json, "env": environment, "config": _config}[form](version, body) + "\n"
    if file is not None:
        replace_text(file, text, make_folder=True)
    return text


def _json(version: int, body: PolicyBody) -> str:
    return json.dumps({"version": version, **body.to_dict()}, indent=2, ensure_ascii=False, sort_keys=True)


def _config(_: int, body: PolicyBody) -> str:
    return json.dumps(new_config(body), indent=2, ensure_ascii=False)


def _metrics(store: Store, body: PolicyBody, file: Path | None) -> str:
    history = optimization_history(store)
    if file is None:
        document = metrics_of(store, body.boosts, history)
    else:
        document = sync_metrics(store, file, body.boosts, history)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def environment(version: int, body: PolicyBody) -> str:
    """Lines a shell can source; two names that differ only in their signs give one variable, so JSON is there too."""
    return "\n".join(_variables(version, body))


def _variables(version: int, body: PolicyBody) -> Iterator[str]:
    yield f"FEDTOP_POLICY_VERSION={version}"
    for layer, value in sorted(body.thresholds.items()):
        yield f"FEDTOP_THRESHOLD_{_variable(layer)}={value:g}"
    for agent, by_type in sorted(body.boosts.items()):
        for task_type, value in sorted(by_type.items()):
            name = _variable(agent) + (f"__{_variable(task_type)}" if task_type else "")
            yield f"FEDTOP_BOOST_{name}={value:g}"
    yield f"FEDTOP_POLICY={shlex.quote(body.to_json())}"


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())

"""The loop over one store: propose, look at, apply, undo, and see what came of it.

Proposing reads and computes; only ``apply``, ``undo``, the imports and the locks change the policy, each in one
write transaction that checks every guard again. What follows the policy (the copy for routers, ``metrics.json``,
``config.json``) is brought in line afterwards; a file that cannot be written is a warning of the change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedstore.cleaning import NAME_LIMIT, clean_name
from fedstore.errors import FedstoreError, PlanRefusedError
from fedstore.learning.rules import EVIDENCE_WINDOWS, BoostRule, PlanKind
from fedstore.policy import ledger
from fedstore.policy.body import LOCKED, PolicyBody, boosted, label_of, off_key, place_key, threshold_key
from fedstore.policy.guards import check_plan, check_start, is_locked
from fedstore.policy.history import effects_of
from fedstore.policy.ledger import Change
from fedstore.policy.parts import PlanItem
from fedstore.policy.plans import Kind, Plan
from fedstore.policy.shelf import applied_as, is_kept, newest_plans, plan_by_id, shelve
from fedstore.policy.sync import boosts_of, bring_in_line
from fedstore.settings.routing_config import RoutingConfig, object_in, read_bytes, read_config, routing_config_of
from fedstore.window import Window

if TYPE_CHECKING:
    from fedstore.engine.protocol import Read
    from fedstore.learning.tuning_types import TuneSettings
    from fedstore.policy.alarms import Alarm
    from fedstore.policy.effects import Effects
    from fedstore.store import Store

__all__ = ["PolicyStore"]

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]


class PolicyStore:
    """Plans, ledger and policy of a store. Methods raise FedstoreError in one clear line."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        self._closed_effects: dict[int, Effects] = {}

    @property
    def store(self) -> Store:
        """The store that it is about."""
        return self._store

    # --- what is there -------------------------------------------------------------------------------------

    def current(self) -> tuple[int, PolicyBody]:
        """The version in force and the policy; version 0 is the empty policy before the first change."""
        return ledger.current(self._database.read)

    def plan(self, plan_id: str) -> Plan:
        """A plan that was proposed. Raises FedstoreError for an unknown one."""
        return plan_by_id(self._database, plan_id)

    def keeps(self, plan: Plan) -> bool:
        """Whether a plan is in the store, to be applied by its id; not where it was made by who may only read."""
        return is_kept(self._database, plan)

    def plans(self, limit: int = 20) -> tuple[Plan, ...]:
        """The newest plans."""
        return newest_plans(self._database, limit)

    def changes(self, limit: int = 50, *, effects: bool = True) -> tuple[Change, ...]:
        """The ledger, newest first, with what happened since each change."""
        found = ledger.changes_newest_first(self._database.read, limit)
        return tuple(self._with_effects(change) for change in found) if effects else found

    def change(self, change_id: int) -> Change:
        """One entry of the ledger, with what happened since."""
        return self._with_effects(ledger.change_by_id(self._database.read, change_id))

    # --- proposing -----------------------------------------------------------------------------------------

    def evidence(self, kind: PlanKind, label: str = "", end_ms: int | None = None) -> Window:
        """The evidence of a plan: the window `label` (default: that of its kind) that ends now or at `end_ms`.

        Raises FedstoreError for a name that is no window.
        """
        end = self._store.clock() if end_ms is None else end_ms
        return Window.ending(label or EVIDENCE_WINDOWS[kind], end, live=end_ms is None)

    def propose_optimize(
        self,
        rule: BoostRule | None = None,
        window: Window | None = None,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Plan:
        """A plan for boosts by `rule` (default: the setting) from the tasks of `window` (default: `evidence`)."""
        return shelve(self._database, self.weigh_optimize(rule, window, progress=progress, cancelled=cancelled))

    def weigh_optimize(
        self,
        rule: BoostRule | None = None,
        window: Window | None = None,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Plan:
        """The plan that `propose_optimize` would make now, which is kept nowhere and has no id: to look at."""
        from fedstore.learning.tuning_types import TuneCancelledError
        from fedstore.policy.extent import measure_extent
        from fedstore.policy.optimize import plan_optimize, read_outcomes

        settings = self._store.settings.policy
        now = self._store.clock()
        window = window or self.evidence("optimize")
        read = self._database.read
        with self._database.snapshot():
            version, body = ledger.current(read)
            extent = measure_extent(read, "runs", window.start_ms, min(window.end_ms, now + 1), now)
            outcomes = read_outcomes(read, extent.start_ms, extent.end_ms)
        if progress is not None:
            progress(0.5)
        if cancelled is not None and cancelled():
            raise TuneCancelledError
        plan = plan_optimize(
            outcomes, rule or settings.boosts, extent=extent, version=version, body=body, label=window.label,
            max_step=settings.max_boost_step, locked=lambda key: is_locked(key, body, settings),
        )  # fmt: skip
        if progress is not None:
            progress(1.0)
        return plan

    def propose_tune(
        self,
        settings: TuneSettings | None = None,
        window: Window | None = None,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Plan:
        """A plan for thresholds from the decisions of `window` (default: `evidence`) that no change has used yet.

        `settings` default to those of the settings file. Raises `TuneCancelledError` when `cancelled` says so,
        FedstoreError for settings that do not fit the decisions.
        """
        from fedstore.policy.tune import load_input, plan_tune

        now = self._store.clock()
        window = window or self.evidence("tune")
        rules, configured = self._store.settings.policy, self._configured()
        with self._database.snapshot():
            given = load_input(self._database, window, now, configured)
        try:
            plan = plan_tune(
                given, settings or self.tune_settings(), lambda key: is_locked(key, given.body, rules),
                progress=progress, cancelled=cancelled,
            )  # fmt: skip
        except ValueError as error:
            raise FedstoreError(f"{error}: correct the option") from error
        return shelve(self._database, plan)

    def tune_settings(self, **given: Any) -> TuneSettings:
        """The tuner's settings from the settings file, with some given ones in their place."""
        from fedstore.learning.tuning_types import TuneSettings

        rules = self._store.settings.policy
        chosen = {
            "rule": rules.tuning, "target": rules.target, "confidence": rules.confidence, "margin": rules.margin,
            "max_clarify": rules.max_clarify, "clarify_cost_ms": rules.clarify_cost_ms,
            "clarify_error": rules.clarify_error, "censor_hours": rules.censor_hours,
            "max_step": rules.max_threshold_step, **given,
        }  # fmt: skip
        asked = self._store.routing_config().min_samples
        if asked is not None:
            chosen.setdefault("min_graded", asked)
        try:
            return TuneSettings(**chosen)
        except ValueError as error:
            raise FedstoreError(f"{error}: correct the option") from error

    def refusal(self, plan: Plan) -> str:
        """Why a plan that changes something cannot be applied, or not yet, and which setting says so; "" if it can."""
        if not plan.changed:
            return ""
        try:
            configured = self._configured_for(plan)
            with self._database.snapshot():
                self._check(self._database.read, plan, *ledger.current(self._database.read), configured)
        except PlanRefusedError as error:
            return str(error)
        return ""

    # --- changing ------------------------------------------------------------------------------------------

    def apply(self, plan: Plan | str, who: str = "") -> Change:
        """Apply exactly this plan. Raises PlanRefusedError with the guard that refused it."""
        wanted = self.plan(plan) if isinstance(plan, str) else plan
        configured = self._configured_for(wanted)
        with self._database.write() as tx:
            version, body = ledger.current(tx.execute)
            self._check(tx.execute, wanted, version, body, configured)
            change = ledger.append(
                tx.execute, wanted, who=who, at_ms=self._store.clock(), old_version=version,
                body=body.with_values(wanted.values),
            )  # fmt: skip
        return self._in_line(change)

    def undo_plan(self, change_id: int | None = None) -> tuple[Change, Plan]:
        """The change that ``undo`` would take back, and what that would set. Changes nothing; raises as ``undo``."""
        with self._database.snapshot():
            version, body = self.current()
            target, values = _to_take_back(self._database.read, change_id)
        return target, _undo_plan(target, values, version, body, self._store.clock())

    def undo(self, change_id: int | None = None, who: str = "", *, asked_ms: int | None = None) -> Change:
        """Restore the policy from before a change, by default the newest that stands at the moment of the call.

        Which one that is gets settled before the wait for other writers: of two calls at once, one takes it back and
        the other is refused. ``asked_ms`` (UTC epoch milliseconds) is when a user asked, if that was earlier.
        Raises PlanRefusedError when there is no such change, when something later touched the same items, or when
        the newest was left open and anything was changed since ``asked_ms``.
        """
        meant = ledger.newest_meant(self._database.read, asked_ms).id if change_id is None else change_id
        with self._database.write() as tx:
            version, body = ledger.current(tx.execute)
            target, values = _to_take_back(tx.execute, meant)
            plan = _undo_plan(target, values, version, body, self._store.clock())
            change = ledger.append(
                tx.execute, plan, who=who, at_ms=plan.made_ms, old_version=version,
                body=body.with_values({key: former for key, (_, former) in values.items()}), undoes=target.id,
            )  # fmt: skip
        return self._in_line(change)

    def import_file(self, path: str | Path, who: str = "") -> Change:
        """``import_content`` of what a file or a pipe holds, which is read once."""
        return self.import_content(read_bytes(path), str(path), who)

    def import_content(self, content: bytes, source: str, who: str = "") -> Change:
        """Take over the boosts of a ``metrics.json`` (it has ``agents``) or the layers of a ``config.json``: their
        thresholds, which of them are disabled, and their order.

        ``source`` names where it is from. Raises FedstoreError for other content, or when everything in it is in force
        already.
        """
        config = object_in(content, source)
        values: dict[str, float | None] = {}
        if "agents" in config:
            values.update(boosts_of(config, source))
        else:
            values.update(self._layers_of(routing_config_of(config, source)))
        if not values:
            raise FedstoreError(f"{source} holds neither thresholds (`layers`) nor boosts (`agents`): check the file")
        for key in values:
            _check_names(key, source)
        change = self._set("import", values, who, source)
        if change is None:
            raise FedstoreError(f"everything in {source} is in force already: nothing was changed")
        return change

    def _layers_of(self, config: RoutingConfig) -> dict[str, float | None]:
        """The values that a routing configuration asks for; its order only where that is not known already."""
        _, body = self.current()
        values: dict[str, float | None] = {threshold_key(name): value for name, value in config.thresholds.items()}
        values |= {off_key(layer.name): None if layer.enabled else LOCKED for layer in config.layers}
        named = [layer.name for layer in config.layers]
        seen = [name for (name,) in self._database.read("SELECT name FROM layers ORDER BY position, name")]
        known = list(dict.fromkeys((*body.order, *seen)))
        if config.is_ordered and [name for name in known if name in config.thresholds] != named:
            order = [*named, *(name for name in body.order if name not in config.thresholds)]
            values |= {place_key(name): float(place) for place, name in enumerate(order, start=1)}
        return values

    def lock(self, key: str, who: str = "") -> Change | None:
        """Keep plans from moving an item (``layer:NAME``, ``agent:NAME``, ``agent:NAME/TASK_TYPE``)."""
        if not key.startswith(("layer:", "agent:")):
            raise FedstoreError(f"{key!r} is not an item: use layer:NAME or agent:NAME[/TASK_TYPE]")
        return self._set("lock", {f"lock:{key}": LOCKED}, who, "")

    def unlock(self, key: str, who: str = "") -> Change | None:
        """Take a lock away; None when there was none."""
        return self._set("lock", {f"lock:{key}": None}, who, "")

    # --- watching ------------------------------------------------------------------------------------------

    def standing(self, kind: PlanKind) -> Change | None:
        """The newest change of a kind that nothing took back, with what happened since; None when there is none."""
        change = ledger.last_standing(self._database.read, (kind,))
        return None if change is None else self._with_effects(change)

    def watch(self) -> tuple[Alarm, ...]:
        """`Watcher.act`: alarms about the newest changes; takes a harmful one back if that is opted in."""
        from fedstore.policy.watcher import Watcher

        return Watcher(self).act()

    def bring_in_line(self) -> tuple[str, ...]:
        """Write the policy in force to the files that follow it; what could not be written, as sentences.

        With what the newest change gave back, in case its process ended before it could write that.
        """
        newest = ledger.changes_newest_first(self._database.read, 1)
        return bring_in_line(self._store, *self.current(), newest[0] if newest else None)

    # --- inside --------------------------------------------------------------------------------------------

    def _set(self, kind: Kind, values: Mapping[str, float | None], who: str, source: str) -> Change | None:
        """Set values a user gives; they are no proposal, so only locks guard them."""
        now = self._store.clock()
        with self._database.write() as tx:
            version, body = ledger.current(tx.execute)
            present = body.values()
            items = tuple(
                PlanItem(key, label_of(key), present.get(key), value, evidence=source)
                for key, value in values.items()
                if present.get(key) != value
            )
            if not items:
                return None
            plan = Plan(kind, "given", "given", now, version, body.digest(), items).named()
            check_plan(tx.execute, plan, version, body, self._store.settings.policy, None)
            change = ledger.append(
                tx.execute, plan, who=who, at_ms=now, old_version=version, body=body.with_values(plan.values)
            )
        return self._in_line(change)

    def _check(self, read: Read, plan: Plan, version: int, body: PolicyBody, configured: Mapping[str, float]) -> None:
        """Raise PlanRefusedError unless the plan may be applied to the policy of that version."""
        check_plan(read, plan, version, body, self._store.settings.policy, applied_as(read, plan))
        check_start(plan, body, configured)

    def _configured_for(self, plan: Plan) -> dict[str, float]:
        """What the routing configuration says of what a plan is about."""
        return self._configured().thresholds if plan.kind == "tune" else {}

    def _in_line(self, change: Change) -> Change:
        """The change, after the files that follow the policy were written."""
        version, body = self.current()
        return replace(change, warnings=bring_in_line(self._store, version, body, change))

    def _configured(self) -> RoutingConfig:
        """What the routing configuration says. Raises FedstoreError where it cannot be read."""
        path = self._store.settings.routing_config_json
        return read_config(path) if path is not None and path.exists() else RoutingConfig()

    def _with_effects(self, change: Change) -> Change:
        if change.kind not in ("tune", "optimize"):
            return change
        found = self._closed_effects.get(change.id)
        if found is None:
            found, closed = effects_of(self._database, change, self._store.clock())
            if closed:
                self._closed_effects[change.id] = found
        return ledger.with_effects(change, found)


def _check_names(key: str, source: str) -> None:
    """Raises FedstoreError for a key with the name of a layer, agent or task type that no fact can have."""
    agent, task_type = boosted(key) or (label_of(key), "")
    for name in (agent, task_type or agent):
        if not name or len(name) > NAME_LIMIT or clean_name(name) != name:
            raise FedstoreError(f"{source}: {name[:40]!a} is no name that a fact can have: correct it first")


def _to_take_back(read: Read, change_id: int | None) -> tuple[Change, dict[str, tuple[float | None, float | None]]]:
    """A change (by default the newest that stands), and present and former value of what it set."""
    target = ledger.newest_meant(read) if change_id is None else ledger.change_by_id(read, change_id)
    return target, ledger.reverted(read, target)


def _undo_plan(
    target: Change, values: Mapping[str, tuple[float | None, float | None]], version: int, body: PolicyBody, now: int
) -> Plan:
    old = {item.key: item.old for item in target.plan.items}
    values = {key: values[key] for key in (*(key for key in old if key in values), *values)}
    items = tuple(
        # Where the policy said nothing before, the plan still knows what the router used: files get that back.
        PlanItem(key, label_of(key), present, former, restores=None if former is not None else old.get(key))
        for key, (present, former) in values.items()
    )
    reason = f"takes back change #{target.id} (plan {target.plan_id})"
    return Plan("undo", "undo", "given", now, version, body.digest(), items, reasons=(reason,)).named()

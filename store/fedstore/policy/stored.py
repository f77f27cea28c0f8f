"""Plans read back from what was stored, by this version or a former one (`policy.former`)."""

from __future__ import annotations

from fedstore.learning.intervals import Interval
from fedstore.learning.tuning_types import AgentChange, Effect, LayerChange, TuneSettings
from fedstore.policy.details import BoostDetail, BoostEvidence, BoostSettings, TuneDetail, pair_of
from fedstore.policy.extent import Extent
from fedstore.policy.former import Plain, read
from fedstore.policy.parts import Alternative, Flip, FlipCounts, PlanItem, Predicted

__all__ = ["plan_fields"]


def plan_fields(plain: Plain) -> dict[str, object]:
    """The fields of a plan that are values of their own, from its JSON. Raises KeyError, TypeError or ValueError."""
    flips = plain.get("flips")
    return {
        "items": tuple(_item(item) for item in plain["items"]),
        "extent": read(Extent, plain["extent"]) if plain.get("extent") else None,
        "predicted": {name: _predicted(value) for name, value in plain.get("predicted", {}).items()},
        "flips": read(FlipCounts, flips) if flips else None,
        "flipped": tuple(read(Flip, flip) for flip in plain.get("flipped", ())),
        "alternatives": tuple(read(Alternative, other) for other in plain.get("alternatives", ())),
        "reasons": tuple(plain.get("reasons", ())),
        "warnings": tuple(plain.get("warnings", ())),
        "settings": _settings(plain),
        "detail": _detail(plain),
    }


def _item(plain: Plain) -> PlanItem:
    """What an item says beside its values stood in a `detail` of its own."""
    former = plain.get("detail") or {}
    beside = {name: former[name] for name in ("limited", "restores") if name in former}
    return read(PlanItem, {**beside, **plain}, interval=pair_of(plain.get("interval")))


def _predicted(plain: Plain) -> Predicted:
    intervals = {name: pair_of(value) for name, value in plain.items() if name.endswith("interval")}
    return read(Predicted, plain, **intervals)


def _settings(plain: Plain) -> TuneSettings | BoostSettings | None:
    stored = plain.get("settings")
    if not stored or plain["kind"] not in ("optimize", "tune"):
        return None
    if plain["kind"] == "optimize":
        return read(BoostSettings, stored)
    return read(
        TuneSettings, stored, locked=tuple(stored.get("locked", ())), disabled=tuple(stored.get("disabled", ()))
    )


def _detail(plain: Plain) -> TuneDetail | BoostDetail | None:
    stored = plain.get("detail")
    if not stored or plain["kind"] not in ("optimize", "tune"):
        return None
    if plain["kind"] == "optimize":
        return BoostDetail(tuple(_evidence(found) for found in stored.get("proposals", ())))
    worst, cost = stored.get("worst_agent"), stored.get("cost_ms")
    return read(
        TuneDetail,
        stored,
        layers=tuple(_layer(layer) for layer in stored.get("layers", ())),
        worst_agent=read(AgentChange, worst) if worst else None,
        cost_ms=_effect(cost) if cost else None,
    )


def _layer(plain: Plain) -> LayerChange:
    """A layer that had nothing to say said that it stays."""
    note = plain.get("note", "")
    return read(LayerChange, {"taken": 0, "right": 0, **plain}, note="" if note == "stays" else note)


def _effect(plain: Plain) -> Effect:
    return read(Effect, plain, **{
        name: Interval(float(value[0]), float(value[1])) for name, value in plain.items() if name.endswith("interval")
    })  # fmt: skip


def _evidence(plain: Plain) -> BoostEvidence:
    return read(BoostEvidence, {"peers": None, **plain}, interval=pair_of(plain.get("interval")))

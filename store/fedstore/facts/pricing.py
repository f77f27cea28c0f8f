"""What a call cost: as reported, else computed offline from its tokens, else unpriced (never zero).

The price list is imported only when something is priced (see `rates`). A price is that of the call's own time of day.
Where a part of what made a call dearer is not known, as the price of its service tier, the amount is a lower bound.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.facts.kind import Fields

__all__ = ["AT_LEAST", "COMPUTED", "REPORTED", "UNPRICED", "price"]

REPORTED, COMPUTED, AT_LEAST, UNPRICED = "reported", "computed", "at least", "unpriced"
_STANDARD = frozenset({"", "default", "standard", "auto", "normal", "on_demand"})


def price(usage: Fields, recorded_ms: int) -> tuple[int | None, str, str]:
    """Cost in nano-USD (None when unpriced) of a call's `usage`, its basis, and the version of the price list."""
    if usage["cost_usd"] is not None:
        return usage["cost_usd"], REPORTED, ""
    tokens, output, model = usage["input_tokens"], usage["output_tokens"], usage["model"]
    if tokens == 0 and output == 0:
        return 0, REPORTED, ""  # a call that used nothing (it failed) costs nothing
    if not model or model.startswith("<"):
        return None, UNPRICED, ""
    from fedstore.facts.rates import cost_of, price_version

    at = recorded_ms if usage["at"] is None else usage["at"]
    tier, hour = usage["service_tier"], usage["cache_write_1h_tokens"]
    found = cost_of(
        model, usage["provider"], "" if tier in _STANDARD else tier, at, tokens, usage["cache_read_tokens"],
        usage["cache_write_tokens"] - hour, hour, output,
    )  # fmt: skip
    if found is None:
        return None, UNPRICED, ""
    nano, floor = found
    return nano, AT_LEAST if floor else COMPUTED, price_version()

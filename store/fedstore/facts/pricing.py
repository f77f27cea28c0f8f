"""What a call cost: as reported, else computed offline from its tokens, else unpriced (never zero).

``genai-prices`` is imported only when something is priced (a quarter of a second, once). Its ``input_tokens``
include cache reads and writes, as ours do. Model names are tried as they came, then without vendor prefixes.
"""

from __future__ import annotations

from functools import cache, lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fedstore.facts.events import Fields

__all__ = ["COMPUTED", "REPORTED", "UNPRICED", "price", "price_version"]

REPORTED, COMPUTED, UNPRICED = "reported", "computed", "unpriced"
_NANO = 1_000_000_000
_DAY_MS = 86_400_000
_PROVIDERS = {
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google", "aws.bedrock": "aws",
    "azure.ai.openai": "azure", "x_ai": "x-ai", "mistral_ai": "mistral", "moonshot_ai": "moonshotai",
    "openai.chat": "openai", "anthropic.messages": "anthropic",
}  # fmt: skip


def price(usage: Fields, recorded_ms: int) -> tuple[int | None, str, str]:
    """Cost in nano-USD (None when unpriced) of a call's ``usage``, its basis, and the version of the price table."""
    if usage["cost_usd"] is not None:
        return usage["cost_usd"], REPORTED, ""
    tokens, output, model = usage["input_tokens"], usage["output_tokens"], usage["model"]
    if tokens == 0 and output == 0:
        return 0, REPORTED, ""  # a call that used nothing (it failed) costs nothing
    if not model or model.startswith("<"):
        return None, UNPRICED, ""
    at = recorded_ms if usage["at"] is None else usage["at"]
    kept_an_hour = usage["cache_write_1h_tokens"]
    nano = _cached(
        model, usage["provider"], at - at % _DAY_MS, tokens, usage["cache_read_tokens"],
        usage["cache_write_tokens"] - kept_an_hour, kept_an_hour, output,
    )  # fmt: skip
    return (None, UNPRICED, "") if nano is None else (nano, COMPUTED, price_version())


@cache
def price_version() -> str:
    """Which price table computed costs come from."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


@lru_cache(maxsize=4096)
def _cached(
    model: str, provider: str, day_ms: int, read_all: int, cache_read: int, write_5m: int, write_1h: int, out: int
) -> int | None:
    from datetime import UTC, datetime

    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    writes: dict[str, Any] = {"cache_write_tokens": write_5m + write_1h}
    if write_1h:
        writes.update(cache_write_5m_tokens=write_5m, cache_write_1h_tokens=write_1h)
    tokens = Tokens(input_tokens=read_all, cache_read_tokens=cache_read, output_tokens=out, **writes)
    when = datetime.fromtimestamp(day_ms / 1000, UTC)
    for name, vendor in _spellings(model, provider):
        try:
            found = calc_price(tokens, name, provider_id=vendor, genai_request_timestamp=when)
        except (LookupError, ValueError):
            continue
        return int((found.total_price * _NANO).to_integral_value())
    return None


def _spellings(model: str, provider: str) -> list[tuple[str, str | None]]:
    """The model as it came and without vendor prefixes, each with and without the provider."""
    names = [model]
    while "/" in names[-1]:
        names.append(names[-1].split("/", 1)[1])
    vendor = _PROVIDERS.get(provider, provider) or None
    pairs: list[tuple[str, str | None]] = [(name, vendor) for name in names] if vendor else []
    return pairs + [(name, None) for name in names]

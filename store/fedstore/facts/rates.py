"""What a token costs: rates out of the price list, looked up once and multiplied from then on.

The price list is `genai-prices`, imported only when something is priced (a quarter of a second, once). To ask it for
the price of one call takes longer than to read the call, so a model's rates are asked for once per model, seller,
service tier, tier of context length and five minutes (some prices change at half past an hour). They are exact: the
product is what `calc_price` says, to the nano-USD.
"""

from __future__ import annotations

from functools import cache, lru_cache

from fedstore.facts.price_names import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypeAlias

    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, Provider

    Part: TypeAlias = int | None

__all__ = ["SLOT_MS", "Rates", "cost_of", "price_version"]

SLOT_MS = 300_000
_ATTO = 10**18
_PER_NANO = 10**9
_BLOCK = 1_000_000
_DEARER_ELSEWHERE = {"fast": {"claude-opus-4-6": 6, "claude-opus-4-7": 6}}
"""How many times the standard price a tier costs, where the price list does not know: 30 and 150 USD per million."""
_CHEAPER = frozenset({"batch", "flex"})
_CONTEXTS = ("service_tier", "speed", "processing")
_SHARED: dict[int, _Card] = {}
"""By the identity of the prices, which the card keeps alive."""


class Rates:
    """Per token in 1e-18 USD, by part: fresh input, read from a cache, written to it for minutes, written for an hour,
    output; and last what a request costs by itself. A part that the price list cannot tell is None.

    `floor` says that the tier costs more than these rates, by a factor that nobody told.
    """

    __slots__ = ("floor", "parts")

    def __init__(self, parts: tuple[Part, ...], *, floor: bool = False) -> None:
        self.parts = parts
        self.floor = floor

    def nano(self, *tokens_of: int) -> int | None:
        """The cost of a call in nano-USD, rounded half to even; None when a part of it has no price.

        The tokens are given by part, in the order above.
        """
        total = self.parts[-1] or 0
        for tokens, rate in zip(tokens_of, self.parts, strict=False):
            if tokens:
                if rate is None:
                    return None
                total += tokens * rate
        whole, rest = divmod(total, _PER_NANO)
        return whole + int(rest * 2 > _PER_NANO or (rest * 2 == _PER_NANO and whole % 2 == 1))


def cost_of(
    model: str,
    provider: str,
    tier: str,
    at_ms: int,
    read_all: int,
    read: int,
    write_5m: int,
    write_1h: int,
    output: int,
) -> tuple[int, bool] | None:
    """Nano-USD of a call at `at_ms` and whether that is only a lower bound; None when it has no price.

    `read_all` is all input; `tier` the service tier or speed ("" for the standard one).
    """
    fresh = max(0, read_all - read - write_5m - write_1h)
    for card in _cards(model, provider, tier, at_ms // SLOT_MS):
        rates = card.rates(read_all)
        nano = rates.nano(fresh, read, write_5m, write_1h, output)
        if nano is not None:
            return nano, rates.floor
    return None


@lru_cache(maxsize=8192)
def _cards(model: str, provider: str, tier: str, slot: int) -> tuple[_Card, ...]:
    """The prices of a model in a slot of five minutes, the likeliest seller first."""
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(slot * SLOT_MS / 1000, UTC)
    cards = (_card(seller, found, tier, when) for seller, found in _models(model, provider))
    return tuple(card for card in cards if card is not None)


@lru_cache(maxsize=1024)
def _models(model: str, provider: str) -> tuple[tuple[Provider, ModelInfo], ...]:
    """The entries of the price list that a model may be, the likeliest first."""
    from genai_prices.data_snapshot import get_snapshot

    found: list[tuple[Provider, ModelInfo]] = []
    for name, seller in spellings(model, provider):
        try:
            entry = get_snapshot().find_provider_model(name, None, seller, None)
        except (LookupError, ValueError):
            continue
        if not any(entry[1] is known for _, known in found):
            found.append(entry)
    return tuple(found)


class _Card:
    """One set of prices, whose rates depend on the length of the context."""

    def __init__(self, prices: ModelPrice, *, times: int | tuple[_Card, _Card] = 1, floor: bool = False) -> None:
        """`times` multiplies: a number, or by how much the first card's rates exceed the second's."""
        self._prices = prices
        self._times = times
        self._floor = floor
        self._starts = _starts(prices)
        self._known: dict[int, Rates] = {}

    def rates(self, read_all: int) -> Rates:
        """The rates of a call with so much input in all."""
        step = sum(read_all > start for start in self._starts)
        known = self._known.get(step)
        if known is None:
            parts = self._multiplied(self._of_step(step), read_all)
            known = self._known[step] = Rates(parts, floor=self._floor)
        return known

    def _of_step(self, step: int) -> tuple[Part, ...]:
        """Prices grow linearly within a step, so one block of each kind of token tells its rate."""
        block = self._starts[step - 1] + 1 if step else max(1, min((_BLOCK, *self._starts)))
        request = _atto(self._prices)
        alone = _atto(self._prices, input_tokens=block)
        fresh = _rate(alone, request, block)
        cached = (
            _rate(_atto(self._prices, input_tokens=block, **kept), request, block)
            for kept in (
                {"cache_read_tokens": block}, {"cache_write_tokens": block},
                {"cache_write_tokens": block, "cache_write_1h_tokens": block},
            )
        )  # fmt: skip
        output = _rate(_atto(self._prices, input_tokens=block, output_tokens=_BLOCK), alone, _BLOCK)
        return (fresh, *cached, output, request)

    def _multiplied(self, parts: tuple[Part, ...], read_all: int) -> tuple[Part, ...]:
        if isinstance(self._times, int):
            return tuple(None if part is None else part * self._times for part in parts)
        over, under = (card.rates(read_all).parts for card in self._times)
        return tuple(
            part if part is None or not more or not less else part * more // less
            for part, more, less in zip(parts, over, under, strict=True)
        )


def _card(seller: Provider, model: ModelInfo, tier: str, when: datetime) -> _Card | None:
    """The prices of a model at a time in a service tier; None where a cheaper tier's are not known."""
    standard = model.get_prices(when)
    if not tier:
        return _shared(standard)
    for context in ({name: tier} for name in _CONTEXTS):
        variants = [v for v in model.price_variants or () if v.when == context]
        if variants and any(model is own for own in seller.models):
            if any(v.constraint is None or v.constraint.active(when) for v in variants):
                return _Card(model.get_prices(when, context))
            return _before(standard, model, context, variants)
    times = _DEARER_ELSEWHERE.get(tier, {}).get(model.id)
    if times is not None:
        return _Card(standard, times=times)
    return None if tier in _CHEAPER else _Card(standard, floor=True)


def _shared(prices: ModelPrice) -> _Card:
    """One card per set of prices of the list, however many slots have it."""
    known = _SHARED.get(id(prices))
    if known is None:
        known = _SHARED[id(prices)] = _Card(prices)
    return known


def _before(standard: ModelPrice, model: ModelInfo, context: dict[str, str], variants: list[PriceVariant]) -> _Card:
    """The prices of a tier at a time before the list has them: as many times the standard ones as at first."""
    from datetime import UTC, datetime, time

    starts = [getattr(v.constraint, "start_date", None) for v in variants]
    first = min((start for start in starts if start is not None), default=None)
    if first is None:  # it holds at some hours only
        return _Card(standard, floor=True)
    then = datetime.combine(first, time(), UTC)
    return _Card(standard, times=(_Card(model.get_prices(then, context)), _shared(model.get_prices(then))))


def _starts(prices: ModelPrice) -> tuple[int, ...]:
    """Above how much input in all other prices hold."""
    from genai_prices.types import TieredPrices

    tiered = [price for price in vars(prices).values() if isinstance(price, TieredPrices)]
    return tuple(sorted({tier.start for price in tiered for tier in price.tiers}))


def _atto(prices: ModelPrice, **tokens: int) -> Part:
    """What some tokens cost in 1e-18 USD; None where the list cannot tell."""
    from genai_prices import Usage

    try:
        return int(prices.calc_price(Usage(**tokens))["total_price"] * _ATTO)
    except (LookupError, ValueError):
        return None


def _rate(price: Part, without: Part, tokens: int) -> Part:
    return None if price is None or without is None else (price - without) // tokens


@cache
def price_version() -> str:
    """Which price list costs are computed from."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"

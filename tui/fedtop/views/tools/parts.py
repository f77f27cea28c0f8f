"""What the views of tools say beside their tables: how many can be trusted, the days of one, and why it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from fedstore import DAY_MS
from fedstore.queries.models import SeriesPoint
from fedtop.format import UNICODE, clean, count, duration_ms, interval, money, rate, tokens
from fedtop.views.tools.columns import LEVEL_STATES, LEVEL_WORDS, TRENDS, level_style, level_text
from fedtop.widgets.area_chart import AreaData, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.queries.models import Effort, Rate, ToolDetail, ToolRow
    from fedtop.glyphs import Glyphs

__all__ = ["daily_chart", "effort_words", "levels_line", "verdict_lines"]


def levels_line(rows: Sequence[ToolRow]) -> Text:
    """How many tools are at each level: `● 4 high   ▲ 2 medium   ✖ 1 low`, and the others where there are any."""
    parts = []
    for level, state in LEVEL_STATES.items():
        number = sum(row.level == level for row in rows)
        if level in LEVEL_WORDS and not number:
            continue
        glyph = Text(f"{UNICODE.state(state)} ", level_style(level) if number else "$dim")
        word = LEVEL_WORDS.get(level, level.lower())
        parts.append(glyph.append(count(number), "bold" if number else "$dim").append(f" {word}", "$dim"))
    return Text("   ").join(parts)


def daily_chart(detail: ToolDetail) -> AreaData | None:
    """Executions per day of the window: succeeded, failed, and those without an outcome; None without any."""
    days = {point.start_ms: point for point in detail.daily}
    if not days:
        return None
    first = detail.window.start_ms - detail.window.start_ms % DAY_MS
    starts = range(min(first, *days), max(detail.window.end_ms, max(days) + 1), DAY_MS)
    none = SeriesPoint(0)
    ok = Series("ok", tuple(float(days.get(at, none).ok) for at in starts), "$ok-fill")
    failed = Series("failed", tuple(float(days.get(at, none).failed) for at in starts), "$alert", 2)
    untold = Series("no outcome", tuple(float(days.get(at, none).unknown) for at in starts), "$faint", 3)
    return AreaData(starts[0], starts[-1] + DAY_MS, (ok, failed, untold) if any(untold.values) else (ok, failed))


def effort_words(effort: Effort, glyphs: Glyphs = UNICODE) -> str:
    """`effort low 50 % medium 30 % high 20 % of 40, browser 12 % of 60`; what nobody told of is left out."""
    found = []
    if effort.told:
        levels = (("low", effort.low), ("medium", effort.medium), ("high", effort.high))
        shares = " ".join(f"{word} {rate(n / effort.told, 0, glyphs)}" for word, n in levels if n)
        found.append(f"effort {shares} of {effort.told:,}")
    if effort.browser:
        found.append(f"browser {rate(effort.browser / effort.calls, 0, glyphs)} of {effort.calls:,}")
    return ", ".join(found)


_USES: Final = {
    "HIGH": "trusted for critical paths",
    "MEDIUM": "safe for general tasks",
    "LOW": "requires a fallback",
    "FEW": "too few runs to tell",
    "UNKNOWN": "how they ended is not told",
}


def verdict_lines(row: ToolRow | None) -> list[Text | tuple[Text, ...]]:
    """The level and what it rests on; then runs, durations, cost."""
    if row is None:
        return [Text("Nothing ran it in these 30 days.", "bold")]
    head = Text.assemble(level_text(row.level))
    head.append(f"  {_USES.get(row.level, '')}: ", "$dim").append(clean(row.reason, 160))
    if row.trend in TRENDS:
        glyph, style = TRENDS[row.trend]
        head.append(f"   {glyph}", style).append(f" {row.trend}", "$dim")
    d = row.durations
    parts = [
        ("runs", count(row.calls), ""),
        ("success", rate(row.success.value), _two_sided(row.success)),
        ("duration", duration_ms(d.mean_ms), f" p50 {duration_ms(d.p50_ms)} p95 {duration_ms(d.p95_ms)}"),
        ("cost", money(row.cost_nano), ""),
        ("tokens", tokens(row.tokens), ""),
    ]
    figures = tuple(
        Text.assemble((f"{label} ", "$dim"), (value, "bold"), (tail, "$dim")) for label, value, tail in parts
    )
    return [head, figures]


def _two_sided(success: Rate) -> str:
    bounds = success.interval
    return "" if bounds is None else f" {interval(*bounds)}"

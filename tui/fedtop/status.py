"""What header and notice say about the data: how fresh, from when, whether they can be read. Pure
functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.about import ANYTHING, About
from fedtop.format import age, clean, date_time, hour_minute
from fedtop.state import ViewState, window_of
from fedtop.widgets.header import Feed, HeaderData

if TYPE_CHECKING:
    from datetime import tzinfo

    from fedtop.glyphs import Glyphs

__all__ = ["Freshness", "header_of", "may_jump", "notice_of", "shows_nothing"]

_SILENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of the data. Times in epoch milliseconds.

    `answered_ms` is when the store last answered, `newest_ms` its newest fact, `newest_about_ms` the newest of those
    that the panel is `about`, `problem` why it does not answer. `never_read` is True before the first answer.
    `window` names the one that the figures are those of, empty before there are any of the window that was chosen.
    """

    answered_ms: int
    newest_ms: int | None = None
    recorded_ms: int | None = None
    problem: str = ""
    never_read: bool = True
    about: About = ANYTHING
    newest_about_ms: int | None = None
    window: str = ""

    def age_s(self, now_ms: int) -> float | None:
        """Seconds since the newest fact; imported history is as old as what it tells of."""
        known = [moment for moment in (self.newest_ms, self.recorded_ms) if moment is not None]
        return max(0, now_ms - min(known)) / 1000 if self.newest_ms is not None else None

    def stale(self, view: ViewState, now_ms: int) -> bool:
        """Reading fails, or the store has not answered for several intervals (a pause is no silence)."""
        if self.problem:
            return True
        patience = max(_SILENCE_S, 3 * view.interval_s) * 1000
        return view.paused_ms is None and now_ms - self.answered_ms > patience


def header_of(
    view: ViewState,
    fresh: Freshness,
    now_ms: int,
    *,
    tabs: tuple[tuple[str, str], ...],
    store: str,
    tz: tzinfo,
    readonly: bool = False,
) -> HeaderData:
    """The header of a view state at a moment."""
    feed, detail = _feed(view, fresh, now_ms, tz)
    seconds = fresh.age_s(now_ms)
    data_age = "" if seconds is None else age(seconds).replace(" ", "")
    return HeaderData(
        tabs=tabs,
        active=view.tab,
        window=f"{fresh.window} for {view.window}" if fresh.window not in ("", view.window) else view.window,
        feed=feed,
        detail=detail,
        age="" if view.pinned_ms is not None else data_age,
        store=f"{store} read-only" if readonly else store,
    )


def _feed(view: ViewState, fresh: Freshness, now_ms: int, tz: tzinfo) -> tuple[Feed, str]:
    if fresh.stale(view, now_ms):
        return "stale", age((now_ms - fresh.answered_ms) / 1000)
    if view.paused_ms is not None:
        return "paused", hour_minute(view.paused_ms, tz)
    if view.at_ms is not None:
        return "as_of", date_time(view.at_ms, tz, now_ms)
    return "live", f"{view.interval_s:g}s"


def shows_nothing(view: ViewState, fresh: Freshness, now_ms: int) -> bool:
    """True when every fact that the view is about is older than its window."""
    return fresh.about.is_past(fresh.newest_about_ms, window_of(view, now_ms))


def may_jump(view: ViewState, fresh: Freshness, now_ms: int) -> bool:
    """True when the newest fact that the view is about lies outside its window: before it, or after one of the past."""
    later = view.at_ms is not None and fresh.about.is_later(fresh.newest_about_ms, window_of(view, now_ms))
    return later or shows_nothing(view, fresh, now_ms)


def notice_of(
    view: ViewState, fresh: Freshness, now_ms: int, tz: tzinfo, glyphs: Glyphs, *, shown: bool = True
) -> Text:
    """What stands below the header; empty when there is nothing to say. `shown`: the view has been read once."""
    if fresh.problem:
        kept = "showing what was read before" if shown and not fresh.never_read else "nothing could be read yet"
        return Text.assemble(
            (f"{glyphs.warn} ", "$warn"), clean(fresh.problem, 300, glyphs.ellipsis), (f"  {kept}", "$dim")
        )
    if shows_nothing(view, fresh, now_ms):
        newest = date_time(fresh.newest_about_ms, tz, now_ms, glyphs)
        length = fresh.about.window(window_of(view, now_ms)).label
        return Text.assemble(
            (f"{glyphs.clock} ", "$info"),
            f"The newest {fresh.about.words} is from {newest}, before this window.  ",
            ("h", "bold $accent"),
            (f" shows the {length} that end there", "$dim"),
        )
    return Text("")

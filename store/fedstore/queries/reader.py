"""The read models of one store, one method per view; every view of every program is made from these.

A reader belongs to one thread at a time (its database gives each thread a connection of its own). Each method
sees the store as of one moment, and leaves to the next what it read of the time that is over: whoever looks again and
again keeps one reader. Raises StoreError when the store cannot be read.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from fedstore.cleaning import clean_reference
from fedstore.facts.kinds import FACTS, STATES, TOPICS
from fedstore.ids import now_ms
from fedstore.queries.agents import active_in, agent_detail, agents_view, task_type_rows
from fedstore.queries.buckets import Buckets
from fedstore.queries.cascade import cascade_view, layer_view, layers_seen
from fedstore.queries.closed import Past
from fedstore.queries.costs import costs_view
from fedstore.queries.facts import ids_beginning, newest_decisions, newest_tasks, newest_tool_calls, run_by_id
from fedstore.queries.in_force import CascadeSetup, InForce, policy_in_force
from fedstore.queries.losses import Refusals, read_refusals
from fedstore.queries.names import known_names
from fedstore.queries.newest import newest_start, oldest_start
from fedstore.queries.overview import overview
from fedstore.queries.tasks import Tasks
from fedstore.queries.tools import ToolRule, tool_detail, tools_view
from fedstore.settings.routing_config import RoutingConfig
from fedstore.widths import MINUTE_MS
from fedstore.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import tzinfo

    from fedstore.engine.protocol import Engine
    from fedstore.queries.models import (
        AgentDetail,
        AgentRow,
        AgentsView,
        CascadeView,
        CostsView,
        DecisionRow,
        FactKind,
        LayerView,
        NameKind,
        Overview,
        RunRow,
        ToolCallRow,
        ToolDetail,
        ToolsView,
        Topic,
        WhyView,
    )

__all__ = ["Reader"]


class Reader:
    """Read models of a store. ``clock`` gives the present, ``tz`` the zone of days and months (None: local).

    ``tool_rule`` is asked when a view of the tools is, ``configured`` (what the routing configuration says) when one of
    the cascade is.
    """

    def __init__(
        self,
        database: Engine,
        *,
        clock: Callable[[], int] = now_ms,
        tz: tzinfo | None = None,
        tool_rule: Callable[[], ToolRule] = lambda: "bound",
        configured: Callable[[], RoutingConfig] = RoutingConfig,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tz = tz
        self._tool_rule = tool_rule
        self._configured = configured
        self._past = Past()

    @contextmanager
    def _moment(self) -> Iterator[Buckets]:
        """The summaries as of one moment; all reads of this thread inside see that moment."""
        with self._database.snapshot():
            yield Buckets(self._database, self._past)

    def window(self, label: str, at_ms: int | None = None) -> Window:
        """The window of a name that ends now, or at ``at_ms``. Raises FedstoreError for an unknown name."""
        window = Window.ending(label, self._clock() if at_ms is None else at_ms, live=at_ms is None)
        if label == "all" and (oldest := oldest_start(self._database)) is not None:
            return replace(window, start_ms=min(oldest, window.end_ms - MINUTE_MS))
        return window

    def kept(self, window: Window) -> Window:
        """The window that views of this one are those of: longer where minutes or hours of its time were purged."""
        with self._moment() as buckets:
            return buckets.kept(window)

    def _present(self, window: Window) -> int:
        """The moment whose day and month a view tells of: now, or the end of a window in the past."""
        now = self._clock()
        return now if window.live else min(now, window.end_ms - 1)

    def change_token(self) -> int:
        """Differs when something was committed since the last call (3 microseconds)."""
        return self._database.change_token()

    def overview(self, window: Window) -> Overview:
        """The federation at a glance."""
        with self._moment() as buckets:
            return overview(
                self._database, buckets, buckets.kept(window), self._present(window), self._tz, self._setup()
            )

    def agents(self, window: Window) -> AgentsView:
        """A row per agent, and the agent x task-type matrix."""
        with self._moment() as buckets:
            return agents_view(self._database, buckets, buckets.kept(window))

    def agent(self, name: str, window: Window, rows: tuple[AgentRow, ...] | None = None) -> AgentDetail:
        """One agent in detail; ``rows`` spares reading those of ``agents(window)`` again."""
        with self._moment() as buckets:
            return agent_detail(self._database, buckets, name, buckets.kept(window), rows)

    def task_type(self, name: str, window: Window) -> tuple[AgentRow, ...]:
        """The agents on one task type, best first."""
        with self._moment() as buckets:
            return task_type_rows(self._database, buckets, name, buckets.kept(window))

    def cascade(self, window: Window) -> CascadeView:
        """The routing cascade, layer by layer."""
        with self._moment() as buckets:
            return cascade_view(self._database, buckets, buckets.kept(window), self._setup())

    def layer(self, name: str, window: Window) -> LayerView:
        """One layer of the cascade."""
        with self._moment() as buckets:
            return layer_view(self._database, buckets, name, buckets.kept(window), self._setup())

    def layers_seen(self) -> tuple[tuple[str, int, float | None], ...]:
        """(name, position, threshold) of each layer as last logged, in cascade order."""
        return layers_seen(self._database)

    def names(self, kind: NameKind) -> tuple[str, ...]:
        """Every agent, task type, tool or layer that was ever seen, by its name; layers in cascade order."""
        with self._moment() as buckets:
            return known_names(self._database, buckets, kind, self.window("all"))

    def costs(self, window: Window, dimension: str = "model", only: Collection[str] | None = None) -> CostsView:
        """Spend by model, agent, project, task_type or operation; with `only` that of these names alone."""
        with self._moment() as buckets:
            present, size = self._present(window), self._database.size_bytes()
            return costs_view(buckets, buckets.kept(window), dimension, present, self._tz, size, only)

    def tools(self, window: Window) -> ToolsView:
        """Confidence in each tool over the 30 days that end with the window."""
        with self._moment() as buckets:
            return tools_view(buckets, buckets.kept(window), self._tool_rule())

    def tool(self, name: str, window: Window) -> ToolDetail:
        """One tool in detail."""
        with self._moment() as buckets:
            return tool_detail(self._database, buckets, name, buckets.kept(window), self._tool_rule())

    def runs(self, window: Window, agent: str | None = None, limit: int = 200) -> tuple[RunRow, ...]:
        """The newest tasks of the window, of one agent or of all: finished runs, of agents without any executions."""
        with self._moment() as buckets:
            tasks = Tasks(buckets, window, active_in(self._database, window))
            agents = [agent] if agent else sorted({row[0] for row in tasks.sums()})
            return newest_tasks(self._database, tasks, agents, limit)

    def executions(self, window: Window, limit: int = 200) -> tuple[ToolCallRow, ...]:
        """The newest executions of the window, of those that are still kept one by one."""
        with self._moment() as buckets:
            tools = buckets.names("tool_buckets", "tool", window)
            return newest_tool_calls(self._database, tools, window, limit)

    def run(self, run_id: str) -> RunRow | None:
        """One finished run, or an execution."""
        return run_by_id(self._database, clean_reference(run_id))

    def decisions(self, window: Window, limit: int = 200) -> tuple[DecisionRow, ...]:
        """The newest routing decisions of the window."""
        with self._moment() as buckets:
            layers = buckets.names("route_buckets", "layer", window)
            return newest_decisions(self._database, layers, window, limit)

    def ids(self, kind: FactKind, beginning: str, limit: int = 3) -> tuple[str, ...]:
        """The first ids of finished runs or of decisions that begin like this, in their order."""
        return ids_beginning(self._database, kind, beginning, limit)

    def why(self, route_id: str) -> WhyView | None:
        """Why one decision went where it went; None when it is not there."""
        from fedstore.queries.why import why_view

        with self._database.snapshot():
            return why_view(self._database, clean_reference(route_id), self.thresholds())

    def policy(self) -> InForce:
        """The policy in force."""
        return policy_in_force(self._database.read)

    def routing_config(self) -> RoutingConfig:
        """What the routing configuration says, so far as it can be read."""
        return self._configured()

    def thresholds(self) -> Mapping[str, float]:
        """The threshold of each layer, as ``in_force.thresholds_in_force`` has it."""
        return self._setup().thresholds({name: threshold for name, _, threshold in self.layers_seen()})

    def _setup(self) -> CascadeSetup:
        return CascadeSetup(self.policy().thresholds, self._configured())

    def newest_ms(self, topic: Topic = "any", name: str = "") -> int | None:
        """The last millisecond of the newest minute that has a fact, or when a run that goes on was last heard of.

        ``topic`` asks for facts of one kind only, ``name`` for those of one agent, task type, tool or layer. None
        where there is no such fact.
        """
        tables, key = TOPICS[topic]
        start = newest_start(self._database, tables, key if name else "", name)
        known = [*self._heard_ms(topic, name), *(() if start is None else (start + MINUTE_MS - 1,))]
        return max(known, default=None)

    def _heard_ms(self, topic: Topic, name: str) -> Iterator[int]:
        """When what goes on was last heard of, per kind that tells of a topic."""
        for kind in STATES:
            heard = kind.heard
            if heard is None or (topic != "any" and topic not in heard.topics):
                continue
            key = heard.topics.get(topic)
            where, given = (f" WHERE {key} = ?", (name,)) if key and name else ("", ())
            ((newest,),) = self._database.read(f"SELECT MAX({heard.at}) FROM {kind.table.name}{where}", given)
            if newest is not None:
                yield int(newest)

    def last_recorded_ms(self) -> int | None:
        """When the newest fact was recorded; None for an empty store."""
        tables = (kind.table.name for kind in FACTS)
        last = (f"SELECT recorded_ms FROM {t} WHERE seq = (SELECT MAX(seq) FROM {t})" for t in tables)
        ((found,),) = self._database.read(f"SELECT MAX(recorded_ms) FROM ({' UNION ALL '.join(last)}) AS newest")
        return None if found is None else int(found)

    def refusals(self) -> Refusals | None:
        """How many facts were refused, and why the newest was; None when none was."""
        return read_refusals(self._database.read)

    def rejects(self, limit: int = 100) -> tuple[tuple[str, int | None, str, int], ...]:
        """(source, line, reason, recorded_ms) of the newest refused facts."""
        rows = self._database.read(
            "SELECT source, line, reason, recorded_ms FROM rejects ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return tuple((source, line, reason, at) for source, line, reason, at in rows)

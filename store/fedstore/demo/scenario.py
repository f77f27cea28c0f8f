"""The simulated federation: a deterministic stream of facts in the order in which they come about.

`Scenario.advance(until_ms)` returns every fact due by then. A task is routed through the cascade, run by the
agent it was given to (model calls and tools on the way), and judged later, as real ones are. The same seed,
span and origin give the same facts; how often `advance` is called changes nothing.
"""

from __future__ import annotations

import heapq
import math
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from fedstore.demo.cast import (
    AGENTS,
    LAYERS,
    PROJECTS,
    TASKS,
    TOOLS,
    AgentPart,
    LayerPart,
    activity,
    codex_fails_tests,
    context_runs_away,
    rate_limited,
    semantic_sharpness,
)  # fmt: skip
from fedstore.facts.events import Attempt, Event, Execution, Job, Route, Run, RunState, Usage, Verdict
from fedstore.learning.layers import LAST_RESORT, PROBE_BAND, PROBE_RATE
from fedstore.widths import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Scenario"]

TASKS_PER_HOUR = 190
_JOBS = ("nightly evaluation", "dependency update", "flaky-test hunt", "changelog draft", "index refresh")


class _Task(NamedTuple):
    """One task on its way."""

    number: int
    at_ms: int
    type: str
    agent: str
    """Who works on it."""
    right: bool
    """Whether that is an agent it should have gone to."""
    project: str
    seconds: float


class Scenario:
    """Facts of what begins in `[start_ms, stop_ms)`. `speed` compresses the time after `origin_ms`.

    `threshold(layer, usual)` and `boost(agent, task_type)` let the cascade and the choice of agents follow
    a policy in force; then the facts depend on it too.
    """

    def __init__(
        self,
        seed: int,
        start_ms: int,
        origin_ms: int,
        *,
        stop_ms: int | None = None,
        speed: float = 1.0,
        threshold: Callable[[str, float], float] = lambda _layer, usual: usual,
        boost: Callable[[str, str], float] = lambda _agent, _task_type: 0.0,
    ) -> None:
        self._random = Random(f"{seed}:{start_ms - origin_ms}")  # noqa: S311 - a simulation
        self._name = f"demo{seed}-{origin_ms // 1000:x}-{(origin_ms - start_ms) // MINUTE_MS}"
        self._stop_ms = math.inf if stop_ms is None else stop_ms
        self._origin_ms = origin_ms
        self._speed = speed
        self._threshold = threshold
        self._boost = boost
        self._due: list[tuple[int, int, Event]] = []
        self._order = count()
        self._tasks = count(1)
        self._arrival_ms = float(start_ms)
        self._job_ms = float(start_ms)
        first = origin_ms - 4 * MINUTE_MS
        self._stuck_ms = float(first) if first >= start_ms else math.inf

    def advance(self, until_ms: int) -> list[Event]:
        """All facts due up to `until_ms` that were not returned before, oldest first."""
        while (at := min(self._arrival_ms, self._job_ms, self._stuck_ms)) <= until_ms and at < self._stop_ms:
            self._come(at)
        due = self._due
        ready = []
        while due and due[0][0] <= until_ms:
            ready.append(heapq.heappop(due)[2])
        return ready

    # --- what comes when -----------------------------------------------------------------------------------

    def _come(self, at: float) -> None:
        """Whatever comes next, in the order of time, so that the random numbers fall the same way always."""
        if at == self._arrival_ms:
            self._task(int(at))
            per_ms = TASKS_PER_HOUR * activity((at - self._origin_ms) / HOUR_MS) / HOUR_MS
            self._arrival_ms += self._random.expovariate(per_ms) / self._pace(at)
        elif at == self._job_ms:
            self._job(int(at))
            self._job_ms += self._random.uniform(6, 16) * MINUTE_MS / self._pace(at)
        else:
            self._stuck(int(at))
            self._stuck_ms += 12 * MINUTE_MS / self._speed

    def _pace(self, at: float) -> float:
        return self._speed if at >= self._origin_ms else 1.0

    def _minute(self, at: float) -> float:
        return (at - self._origin_ms) / MINUTE_MS * self._pace(at)

    def _later(self, at: int, seconds: float) -> int:
        return at + max(1, round(seconds * 1000 / self._pace(at)))

    def _say(self, at: int, fact: Event) -> None:
        heapq.heappush(self._due, (at, next(self._order), fact))

    def _id(self, kind: str, *parts: object) -> str:
        return "-".join((self._name, kind, *map(str, parts)))

    def _spread(self, median: float, sigma: float) -> float:
        return median * math.exp(self._random.gauss(0, sigma))

    # --- a task ---------------------------------------------------------------------------------------------

    def _task(self, at: int) -> None:
        random = self._random
        number = next(self._tasks)
        task_type = random.choices(list(TASKS), [task.share for task in TASKS.values()])[0]
        wanted = self._wanted(task_type)
        agent, ended = self._route(number, at, wanted)
        task = _Task(
            number, at, task_type, agent, agent in TASKS[task_type].right, random.choice(PROJECTS),
            max(4.0, self._spread(AGENTS[agent].seconds * TASKS[task_type].size, 0.55)),
        )  # fmt: skip
        self._run(task, ended)

    def _wanted(self, task_type: str) -> str:
        """The agent the task should go to: the specialists share it, boosts shift the shares."""
        right = TASKS[task_type].right
        weights = [max(0.05, 1.0 - 0.3 * at + 4 * self._boost(agent, task_type)) for at, agent in enumerate(right)]
        return self._random.choices(right, weights)[0]

    def _run(self, task: _Task, begin: int) -> None:
        random = self._random
        run_id, agent = self._id("run", task.number), task.agent
        end = self._later(begin, task.seconds)
        minute = self._minute(task.at_ms)
        ok, error = self._result(task, minute)
        self._say(begin, RunState(id=run_id, agent=agent, task_type=task.type, project=task.project,
                                  at=begin, started_at=begin))  # fmt: skip
        if random.random() < 0.03:
            pause = self._later(begin, task.seconds * 0.4)
            self._say(pause, RunState(id=run_id, agent=agent, task_type=task.type, project=task.project,
                                      state="waiting", reason="permission", at=pause, started_at=begin))  # fmt: skip
        self._calls(task, run_id, begin, end, minute)
        self._tools(task, run_id, begin, end, ok)
        self._say(end, Run(
            id=run_id, agent=agent, task_type=task.type, project=task.project, at=end, success=ok,
            duration_ms=round(task.seconds * 1000), rework=False if ok else None, error_class=error,
            quality=round(min(1.0, max(0.0, random.gauss(0.86 if ok else 0.45, 0.07))), 3) if random.random() < 0.6
            else None,
        ))  # fmt: skip
        if ok and random.random() < (0.04 if task.right else 0.12):
            later = self._later(end, random.uniform(60, 600))
            self._say(later, Verdict(id=self._id("rework", task.number), subject="run", subject_id=run_id,
                                     rework=True, at=later))  # fmt: skip

    def _result(self, task: _Task, minute: float) -> tuple[bool, str]:
        part = AGENTS[task.agent]
        chance = part.skill.get(task.type, part.usual) - (0.0 if task.right else 0.08)
        error = self._random.choice(("tool_error", "timeout", "wrong_output"))
        if task.agent == "codex" and task.type == "testing" and codex_fails_tests(minute):
            chance, error = chance - 0.42, "tool_error"
        if task.agent == "gemini" and rate_limited(minute):
            chance, error = 0.2, "rate_limit"
        ok = self._random.random() < chance
        return ok, "" if ok else error

    def _calls(self, task: _Task, run_id: str, begin: int, end: int, minute: float) -> None:
        random, part = self._random, AGENTS[task.agent]
        for at, number in self._moments(begin, end, 1 + round(random.expovariate(0.6))):
            refused = task.agent == "gemini" and rate_limited(minute) and random.random() < 0.6
            grown = 9.0 if task.agent == "claude" and context_runs_away(minute) else 1.0
            fresh = 0 if refused else round(self._spread(3_500 * grown, 0.6))
            cached = round(fresh * random.uniform(0.5, 4))
            output = 0 if refused else round(self._spread(700, 0.7))
            self._say(at, Usage.model_validate({
                "id": self._id("call", task.number, number), "run_id": run_id, "agent": task.agent, "model": part.model,
                "provider": part.provider, "task_type": task.type, "project": task.project, "at": at,
                "duration_ms": round(self._spread(2_600, 0.5)),
                "input_tokens": fresh + cached, "cache_read_tokens": cached,
                "output_tokens": output, "cost_usd": None if refused else _reported_usd(part, fresh, cached, output),
                "error_class": "rate_limit" if refused else "",
            }))  # fmt: skip

    def _tools(self, task: _Task, run_id: str, begin: int, end: int, ok: bool) -> None:
        random = self._random
        for at, number in self._moments(begin, end, round(random.expovariate(0.45))):
            name = random.choice(TASKS[task.type].tools)
            tool = TOOLS[name]
            works = random.random() < tool.success - (0.0 if ok else 0.12)
            self._say(at, Execution.model_validate({
                "id": self._id("tool", task.number, number), "run_id": run_id, "agent": task.agent, "tool": name,
                "task_type": task.type, "project": task.project, "at": at, "success": works,
                "duration_ms": round(self._spread(tool.seconds * 1000, 0.6)), "browser_used": name == "browser",
                "cost_usd": tool.usd, "error_class": "" if works else tool.error,
            }))  # fmt: skip

    def _moments(self, begin: int, end: int, number: int) -> Iterator[tuple[int, int]]:
        span = end - begin
        return ((begin + round(span * (at + 0.5) / number), at) for at in range(number))

    # --- its way through the cascade ------------------------------------------------------------------------

    def _route(self, number: int, at: int, wanted: str) -> tuple[str, int]:
        """Say the decision and, later, its outcome. Returns the agent and when the decision was made."""
        attempts, chosen = self._ladder(at, wanted)
        if chosen is None:
            chosen = Attempt(layer=LAST_RESORT, agent=wanted, confidence=1.0, threshold=1.0, accepted=True,
                             latency_ms=0.0)  # fmt: skip
            attempts.append(chosen)
        spent = sum(attempt.latency_ms or 0.0 for attempt in attempts if not attempt.shadow)
        decided = self._later(at, spent / 1000)
        route_id = self._id("route", number)
        self._say(decided, Route(
            id=route_id, task_id=self._id("run", number), at=decided, agent=chosen.agent, layer=chosen.layer,
            confidence=chosen.confidence, latency_ms=round(spent, 3), attempts=tuple(attempts),
        ))  # fmt: skip
        self._grade(number, route_id, decided, chosen.agent == wanted, wanted)
        return chosen.agent, decided

    def _ladder(self, at: int, wanted: str) -> tuple[list[Attempt], Attempt | None]:
        """The attempts, those of the background probe included, and the one that was accepted."""
        attempts: list[Attempt] = []
        chosen: Attempt | None = None
        for layer in LAYERS:
            attempt = self._attempt(layer, at, wanted, shadow=chosen is not None)
            attempts.append(attempt)
            confidence, threshold = attempt.confidence or 0.0, attempt.threshold or 0.0
            if chosen is None and attempt.accepted:
                chosen = attempt
                if confidence >= threshold + PROBE_BAND or self._random.random() >= PROBE_RATE:
                    break
            elif chosen is not None and confidence >= threshold + PROBE_BAND:
                break
        return attempts, chosen

    def _attempt(self, layer: LayerPart, at: int, wanted: str, *, shadow: bool) -> Attempt:
        random = self._random
        sharpness = layer.sharpness
        if layer.name == "semantic":
            sharpness = semantic_sharpness(self._minute(at), sharpness)
        confidence = round(1 / (1 + math.exp(-random.gauss(layer.logit, layer.spread))), 3)
        right = random.random() < 1 - (1 - confidence) ** sharpness
        others = [agent for agent in AGENTS if agent != wanted]
        threshold = self._threshold(layer.name, layer.threshold)
        return Attempt(
            layer=layer.name, agent=wanted if right else random.choice(others), confidence=confidence,
            threshold=threshold, accepted=not shadow and confidence >= threshold,
            latency_ms=round(self._spread(layer.latency_ms, 0.3), 3), shadow=shadow,
            shadow_rate=PROBE_RATE if shadow else None,
        )  # fmt: skip

    def _grade(self, number: int, route_id: str, decided: int, correct: bool, wanted: str) -> None:
        if self._random.random() < 0.2:
            return  # nobody ever says
        later = self._later(decided, self._random.uniform(60, 1_200))
        self._say(later, Verdict(
            id=self._id("verdict", number), subject="route", subject_id=route_id, at=later, correct=correct,
            correct_agent=wanted if correct or self._random.random() < 0.7 else None,
        ))  # fmt: skip

    # --- beside the tasks -------------------------------------------------------------------------------------

    def _job(self, at: int) -> None:
        name = self._random.choice(_JOBS)
        job_id = self._id("job", at)
        project = self._random.choice(PROJECTS)
        began = self._later(at, self._random.uniform(10, 120))
        ended = self._later(began, self._random.uniform(120, 900))
        failed = self._random.random() < 0.12
        self._say(at, Job(id=job_id, name=name, project=project, state="queued", at=at))
        self._say(began, Job(id=job_id, name=name, project=project, state="running", at=began))
        self._say(ended, Job(id=job_id, name=name, project=project, state="failed" if failed else "completed",
                             at=ended, error_class="timeout" if failed else ""))  # fmt: skip

    def _stuck(self, at: int) -> None:
        """A run that waits for a permission nobody gives, until it gives up."""
        run_id = self._id("stuck", at)
        end = self._later(at, 10 * 60)
        ask = self._later(at, 20)
        self._say(at, RunState(id=run_id, agent="codex", task_type="implementation", project="atlas", at=at))
        self._say(ask, RunState(id=run_id, agent="codex", task_type="implementation", project="atlas",
                                state="waiting", reason="permission", at=ask, started_at=at))  # fmt: skip
        self._say(end, Run(id=run_id, agent="codex", task_type="implementation", project="atlas", at=end,
                           success=False, duration_ms=600_000, error_class="permission_timeout"))  # fmt: skip


def _reported_usd(part: AgentPart, fresh: int, cached: int, output: int) -> float | None:
    """What the provider says the call cost, a cached token at a quarter of the price; None: it does not say."""
    if part.usd_per_million is None:
        return None
    per_input, per_output = part.usd_per_million
    return round(((fresh + cached / 4) * per_input + output * per_output) / 1e6, 9)

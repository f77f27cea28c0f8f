"""fedstore: recording, storing and judging what a federation of AI agents and its routing cascade do.

``Recorder`` is what an agent needs, ``Policy`` and ``Cascade`` what a router needs, ``Store`` and its ``reader()``
what a view needs. Importing this package imports nothing heavy: every public name is loaded when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.cascade import Cascade as Cascade
    from fedstore.cleaning import clean_id as clean_id
    from fedstore.compat.engine import AnalyticsEngine as AnalyticsEngine
    from fedstore.compat.engine_parts import CapacityAnalyzer as CapacityAnalyzer
    from fedstore.compat.engine_parts import CostAnalyzer as CostAnalyzer
    from fedstore.compat.engine_parts import HourlyAggregator as HourlyAggregator
    from fedstore.compat.engine_parts import MetricsCollector as MetricsCollector
    from fedstore.compat.engine_parts import StorageManager as StorageManager
    from fedstore.compat.engine_parts import ToolRegistry as ToolRegistry
    from fedstore.compat.engine_records import AgentStatusSnapshot as AgentStatusSnapshot
    from fedstore.compat.engine_records import CapacityForecast as CapacityForecast
    from fedstore.compat.engine_records import ConfidenceLevel as ConfidenceLevel
    from fedstore.compat.engine_records import ExecutionMetrics as ExecutionMetrics
    from fedstore.compat.engine_records import HourlySummary as HourlySummary
    from fedstore.compat.engine_records import ToolProfile as ToolProfile
    from fedstore.compat.tracker import RoutingPerformanceTracker as RoutingPerformanceTracker
    from fedstore.demo.sample import sample_routes as sample_routes
    from fedstore.demo.simulation import Simulation as Simulation
    from fedstore.engine.sqlite import Database as Database
    from fedstore.errors import EventError as EventError
    from fedstore.errors import FedstoreError as FedstoreError
    from fedstore.errors import PlanRefusedError as PlanRefusedError
    from fedstore.errors import Reason as Reason
    from fedstore.errors import SettingsError as SettingsError
    from fedstore.errors import StoreBusyError as StoreBusyError
    from fedstore.errors import StoreError as StoreError
    from fedstore.errors import StoreNewerError as StoreNewerError
    from fedstore.errors import StoreOlderError as StoreOlderError
    from fedstore.errors import StoreReadOnlyError as StoreReadOnlyError
    from fedstore.facts.events import Attempt as Attempt
    from fedstore.facts.events import Event as Event
    from fedstore.facts.events import Execution as Execution
    from fedstore.facts.events import Job as Job
    from fedstore.facts.events import Outcome as Outcome
    from fedstore.facts.events import Route as Route
    from fedstore.facts.events import Run as Run
    from fedstore.facts.events import RunState as RunState
    from fedstore.facts.events import Usage as Usage
    from fedstore.facts.events import Verdict as Verdict
    from fedstore.facts.kind import MAX_DURATION_MS as MAX_DURATION_MS
    from fedstore.facts.validation import EVENT_MODELS as EVENT_MODELS
    from fedstore.facts.validation import event_schema as event_schema
    from fedstore.files import replace_text as replace_text
    from fedstore.finding import Finding as Finding
    from fedstore.ids import new_id as new_id
    from fedstore.ids import now_ms as now_ms
    from fedstore.ids import stable_id as stable_id
    from fedstore.ingest import FileReport as FileReport
    from fedstore.ingest import ImportReport as ImportReport
    from fedstore.ingest import LinesReport as LinesReport
    from fedstore.ingest import import_paths as import_paths
    from fedstore.ingest import record_lines as record_lines
    from fedstore.ingest.routing_export import write_routing_log as write_routing_log
    from fedstore.ingest.routing_export import write_training as write_training
    from fedstore.ingest.routing_log import routing_schema as routing_schema
    from fedstore.json_value import Json as Json
    from fedstore.numbers import bytes_text as bytes_text
    from fedstore.policy import POLICY_FORMS as POLICY_FORMS
    from fedstore.policy import Alarm as Alarm
    from fedstore.policy import Alternative as Alternative
    from fedstore.policy import BoostChange as BoostChange
    from fedstore.policy import BoostDetail as BoostDetail
    from fedstore.policy import BoostEvidence as BoostEvidence
    from fedstore.policy import BoostOutlook as BoostOutlook
    from fedstore.policy import Change as Change
    from fedstore.policy import Effects as Effects
    from fedstore.policy import Flip as Flip
    from fedstore.policy import FlipCounts as FlipCounts
    from fedstore.policy import Measured as Measured
    from fedstore.policy import Plan as Plan
    from fedstore.policy import PlanItem as PlanItem
    from fedstore.policy import Policy as Policy
    from fedstore.policy import PolicyBody as PolicyBody
    from fedstore.policy import PolicyStore as PolicyStore
    from fedstore.policy import Predicted as Predicted
    from fedstore.policy import TuneDetail as TuneDetail
    from fedstore.policy import Watcher as Watcher
    from fedstore.policy import boost_history as boost_history
    from fedstore.policy import boost_key as boost_key
    from fedstore.policy import boost_outlook as boost_outlook
    from fedstore.policy import export_policy as export_policy
    from fedstore.policy import label_of as label_of
    from fedstore.policy import optimization_text as optimization_text
    from fedstore.policy import proposed_boosts as proposed_boosts
    from fedstore.policy import with_alarms as with_alarms
    from fedstore.policy import word_of as word_of
    from fedstore.policy.grades import GivenGrade as GivenGrade
    from fedstore.policy.grades import Grade as Grade
    from fedstore.policy.grades import Grades as Grades
    from fedstore.policy.grading import Graded as Graded
    from fedstore.policy.grading import GradeItem as GradeItem
    from fedstore.policy.grading import GradeProgress as GradeProgress
    from fedstore.policy.grading import GradingQueue as GradingQueue
    from fedstore.policy.grading import LabelItem as LabelItem
    from fedstore.policy.grading import LabellingQueue as LabellingQueue
    from fedstore.policy.grading import LabelProgress as LabelProgress
    from fedstore.policy.metrics_file import export_path as export_path
    from fedstore.queries import Reader as Reader
    from fedstore.queries.decisions import read_decisions as read_decisions
    from fedstore.recording.recorder import Recorder as Recorder
    from fedstore.recording.writer import FactWriter as FactWriter
    from fedstore.recording.writer import Receipt as Receipt
    from fedstore.settings.config import PolicySettings as PolicySettings
    from fedstore.settings.config import Settings as Settings
    from fedstore.settings.config import load_settings as load_settings
    from fedstore.settings.paths import default_config_path as default_config_path
    from fedstore.settings.paths import default_store_path as default_store_path
    from fedstore.settings.starting import StartSettings as StartSettings
    from fedstore.settings.starting import start_settings as start_settings
    from fedstore.store import Store as Store
    from fedstore.upkeep.doctor import diagnose as diagnose
    from fedstore.upkeep.maintaining import Upkeep as Upkeep
    from fedstore.upkeep.maintaining import maintain as maintain
    from fedstore.upkeep.retention import purge as purge
    from fedstore.widths import DAY_MS as DAY_MS
    from fedstore.widths import HOUR_MS as HOUR_MS
    from fedstore.widths import MINUTE_MS as MINUTE_MS
    from fedstore.window import WINDOW_LABELS as WINDOW_LABELS
    from fedstore.window import Window as Window
    from fedstore.window import parse_duration_ms as parse_duration_ms
    from fedstore.window import parse_time_ms as parse_time_ms

_MODULES = {
    "cascade": ("Cascade",),
    "cleaning": ("clean_id",),
    "compat.engine": ("AnalyticsEngine",),
    "compat.engine_parts": (
        "CapacityAnalyzer", "CostAnalyzer", "HourlyAggregator", "MetricsCollector", "StorageManager", "ToolRegistry",
    ),
    "compat.engine_records": (
        "AgentStatusSnapshot", "CapacityForecast", "ConfidenceLevel", "ExecutionMetrics", "HourlySummary",
        "ToolProfile",
    ),
    "compat.tracker": ("RoutingPerformanceTracker",),
    "settings.config": ("PolicySettings", "Settings", "load_settings"),
    "engine.sqlite": ("Database",),
    "queries.decisions": ("read_decisions",),
    "demo.simulation": ("Simulation",),
    "finding": ("Finding",),
    "upkeep.doctor": ("diagnose",),
    "errors": (
        "EventError", "FedstoreError", "PlanRefusedError", "Reason", "SettingsError", "StoreBusyError", "StoreError",
        "StoreNewerError", "StoreOlderError", "StoreReadOnlyError",
    ),
    "facts.events": (
        "Attempt", "Event", "Execution", "Job", "Outcome", "Route", "Run", "RunState", "Usage", "Verdict",
    ),
    "facts.validation": ("EVENT_MODELS", "event_schema"),
    "files": ("replace_text",),
    "facts.kind": ("MAX_DURATION_MS",),
    "numbers": ("bytes_text",),
    "ids": ("new_id", "now_ms", "stable_id"),
    "ingest": ("FileReport", "ImportReport", "LinesReport", "import_paths", "record_lines"),
    "json_value": ("Json",),
    "ingest.routing_export": ("write_routing_log", "write_training"),
    "ingest.routing_log": ("routing_schema",),
    "policy.grades": ("GivenGrade", "Grade", "Grades"),
    "policy.grading": (
        "GradeItem", "GradeProgress", "Graded", "GradingQueue", "LabelItem", "LabelProgress", "LabellingQueue",
    ),
    "policy.metrics_file": ("export_path",),
    "settings.paths": ("default_config_path", "default_store_path"),
    "policy": (
        "POLICY_FORMS",
        "Alarm", "Alternative", "BoostChange", "BoostDetail", "BoostEvidence", "BoostOutlook", "Change", "Effects",
        "Flip", "FlipCounts", "Measured", "Plan", "PlanItem", "Policy", "PolicyBody", "PolicyStore", "Predicted",
        "TuneDetail", "Watcher", "boost_history", "boost_key", "boost_outlook", "export_policy", "label_of",
        "optimization_text", "proposed_boosts", "with_alarms", "word_of",
    ),
    "queries": ("Reader",),
    "recording.recorder": ("Recorder",),
    "upkeep.maintaining": ("Upkeep", "maintain"),
    "upkeep.retention": ("purge",),
    "demo.sample": ("sample_routes",),
    "settings.starting": ("StartSettings", "start_settings"),
    "store": ("Store",),
    "widths": ("DAY_MS", "HOUR_MS", "MINUTE_MS"),
    "window": ("WINDOW_LABELS", "Window", "parse_duration_ms", "parse_time_ms"),
    "recording.writer": ("FactWriter", "Receipt"),
}  # fmt: skip
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'fedstore' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"fedstore.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]

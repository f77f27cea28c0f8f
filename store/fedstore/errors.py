"""Errors a caller can act on. Each message is one clear line that ends with what to do next."""

from __future__ import annotations

__all__ = [
    "EventError",
    "FedstoreError",
    "PlanRefusedError",
    "Reason",
    "SettingsError",
    "StoreBusyError",
    "StoreError",
    "StoreNewerError",
    "StoreOlderError",
    "StoreReadOnlyError",
]


class FedstoreError(Exception):
    """Base of every error fedstore raises on purpose."""


class SettingsError(FedstoreError, ValueError):
    """The settings file cannot be read or holds a value that makes no sense; the message names it."""


class Reason(str):
    """Why a fact was refused, in words that begin with the `field` they are about; "" where that is more than one."""

    __slots__ = ("field", "message")
    field: str
    message: str

    def __new__(cls, message: str, field: str = "") -> Reason:
        reason = super().__new__(cls, f"{field}: {message}" if field else message)
        reason.field, reason.message = field, message
        return reason


class EventError(FedstoreError, ValueError):
    """A fact that cannot be recorded as it stands; the message names the field and the limit."""

    @property
    def reason(self) -> Reason:
        """What it says, and of which field."""
        said = self.args[0] if self.args else ""
        return said if isinstance(said, Reason) else Reason(str(said))


class StoreError(FedstoreError):
    """The store file cannot be used: missing, foreign, corrupt, full or not permitted."""


class StoreNewerError(StoreError):
    """The store was written by a newer program than this one."""


class StoreOlderError(StoreError):
    """The store was written by an older program, and opened for reading only, so it is not brought up to date."""


class StoreBusyError(StoreError):
    """Another process kept the store locked for longer than the busy timeout."""


class StoreReadOnlyError(StoreError):
    """A write was asked of a store that was opened, or can only be opened, for reading."""


class PlanRefusedError(FedstoreError):
    """A plan was not applied; the message says which guard refused it and what would change that."""

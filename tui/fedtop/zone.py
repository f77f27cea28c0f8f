"""The time zone of this machine, with the rule of each day: in winter the times of summer are shown as it was then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

__all__ = ["local_zone"]


class _MachineZone(tzinfo):
    """Asks the system about each moment; `datetime.now().astimezone().tzinfo` is the offset of today only."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """The offset at a wall time, or now."""
        return _of_system(dt).utcoffset() or timedelta(0)

    def dst(self, _dt: datetime | None) -> timedelta | None:
        """Not known: nobody asks."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """What the zone is called at a wall time, or now."""
        return _of_system(dt).tzname()

    def fromutc(self, dt: datetime) -> datetime:
        """The wall time at a moment."""
        try:
            here = datetime.fromtimestamp(dt.replace(tzinfo=UTC).timestamp())  # noqa: DTZ006 - tells which of two it is
            return here.replace(tzinfo=self)
        except (OverflowError, OSError, ValueError):
            return dt


def _of_system(dt: datetime | None) -> datetime:
    try:
        return (datetime.now(UTC) if dt is None else dt.replace(tzinfo=None)).astimezone()
    except (OverflowError, OSError, ValueError):  # out of what the system can tell
        return datetime.now(UTC).astimezone()


_HERE = _MachineZone()


def local_zone() -> tzinfo:
    """The time zone of this machine."""
    return _HERE

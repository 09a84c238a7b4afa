"""The application's clock, which can be put forward: everything that waits, expires or is due follows it."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any


class LocalClock:
    """Real time plus an offset."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    @property
    def offset(self) -> timedelta:
        """How far the clock is ahead of real time."""
        return self._offset

    @offset.setter
    def offset(self, offset: timedelta) -> None:
        with self._lock:
            self._offset = offset

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Put the clock forward (or back, with a negative number)."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)

    def set(self, at: datetime) -> None:
        """Have it be `at` now; time goes on from there."""
        self.offset = at - datetime.now(UTC)

    def reset(self) -> None:
        """Real time again."""
        self.offset = timedelta()

    def rule(self) -> None:
        """Be the time of the application, and of the signatures on its links."""
        import botocore.auth
        import botocore.signers

        from chalicelib import clock

        clock.use(self.now)

        def signing_time(remove_tzinfo: bool = True) -> Any:
            at = self.now()
            return at.replace(tzinfo=None) if remove_tzinfo else at

        botocore.auth.get_current_datetime = signing_time
        botocore.signers.get_current_datetime = signing_time

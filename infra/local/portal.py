"""The whole portal in one process: cloud, application, clock, pump, and the seeded world it goes back to."""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local import cloud, faults, furnish, pump, state, stripe_double, world
from infra.local.clock import LocalClock

ROOT = Path(__file__).resolve().parents[2]

log = logging.getLogger("infra.local")


class Portal:
    """What the server, the levers and the tests work with. Make one per process, after `cloud.environment`."""

    def __init__(self, folder: Path | None = None, *, at: datetime | None = None) -> None:
        """`folder` keeps the state between runs; without one it lives in memory. `at`: the time it is then, instead of
        the real one."""
        cloud.start()
        self.clock = LocalClock()
        if at is not None:
            self.clock.set(at)
        self.clock.rule()
        self._folder = folder
        self.keeper = state.Keeper(folder / "state.pickle", self._more) if folder else None
        self._seeded, self._seeded_at = b"", self.clock.now()
        self._load() if folder else self._make()
        self.pump = pump.Pump(self.clock.now)

    # ---- where the world comes from ----

    def _make(self) -> None:
        cloud.create()
        self._seed()
        self._seeded = state.snapshot(state.CHANGING)

    def _seed(self) -> None:
        """Whoever keeps a state on disk is a person who looks at it; the tests' world has nothing in its calendars."""
        world.seed()
        if self._folder is not None:
            furnish.furnish()

    def _load(self) -> None:
        """The state of the last run, or the seeded world when there was none."""
        assert self._folder is not None
        kept, seed = state.read(self._folder / "state.pickle"), state.read(self._folder / "seed.pickle")
        if kept is None or seed is None:
            self._make()
        else:
            state.restore(kept["cloud"])
            self.clock.offset = timedelta(seconds=kept["extra"]["clock_seconds"])
            self._seeded = seed["cloud"]
            if seed["from"] != _sources():
                self._seed_again()
        state.write(self._folder / "seed.pickle", {"cloud": self._seeded, "from": _sources()})
        state.write(self._folder / "state.pickle", {"cloud": state.snapshot(), "extra": self._more()})

    def _seed_again(self) -> None:
        """The program changed since the seed was made: make the seed anew, and leave what people did as it is."""
        now, offset = state.snapshot(state.CHANGING), self.clock.offset
        self.clock.reset()
        _emptied()
        self._seed()
        self._seeded = state.snapshot(state.CHANGING)
        state.restore(now)
        self.clock.offset = offset
        _forget_keys()  # of the new seed; what people did is under others

    def _more(self) -> dict[str, Any]:
        return {"clock_seconds": self.clock.offset.total_seconds()}

    def keep_as_seed(self) -> None:
        """What is there now is what a reset goes back to (tests add sessions to it)."""
        self._seeded, self._seeded_at = state.snapshot(state.CHANGING), self.clock.now()

    # ---- running ----

    def start(self) -> None:
        """Have queues and due work run by themselves, and keep what changes."""
        if self.keeper:
            self.keeper.start()
        self.pump.start()

    def close(self) -> None:
        """Finish what is going on, and write the state a last time."""
        self.pump.close()
        if self.keeper:
            self.keeper.close()

    # ---- levers ----

    def reset(self, *, to_seed_time: bool = False) -> None:
        """The seeded world, no faults, empty queues and outbox; real time, or the time at which the seed was made."""
        with self.pump.exclusively():
            faults.clear()
            self.clock.set(self._seeded_at) if to_seed_time else self.clock.reset()
            state.restore(self._seeded)
        if self.keeper:
            _forget_keys()  # the seed may have been made anew since
            self.keeper.changed()

    def move_clock(self, change: Callable[[LocalClock], None]) -> None:
        """Change the clock; messages that wait in queues have waited as much longer."""
        with self.pump.exclusively():
            before = self.clock.offset
            change(self.clock)
            pump.age((self.clock.offset - before).total_seconds())
        if self.keeper:
            self.keeper.changed()


def _emptied() -> None:
    """Take everything out of the table, the documents, the queues and the outbox; keys and certificate stay."""
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    table = state.backend("dynamodb").tables[cloud.PREFIX]
    for partition in list(table.items.values()):
        partition.clear()
    stripe_double.backend().__init__()  # type: ignore[misc]
    for bucket in (f"{cloud.PREFIX}-documents", f"{cloud.PREFIX}-keys"):
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            if version["Key"] != cloud.CERTIFICATE:
                key = {"Key": version["Key"], "VersionId": version["VersionId"]}
                s3.delete_object(Bucket=bucket, **key, BypassGovernanceRetention=True)
    for name in cloud.QUEUES:
        sqs.purge_queue(QueueUrl=cloud.queue_url(name))
        sqs.purge_queue(QueueUrl=f"{cloud.queue_url(name)}-dead")
    state.backend("ses").sent_messages.clear()
    state.backend("ses").local_told = 0
    _forget_keys()


def _forget_keys() -> None:
    from chalicelib.adapters import keys

    keys.forget()


def _sources() -> str:
    """A digest of the program that makes the seed."""
    digest = hashlib.sha256()
    for folder in ("chalicelib", "infra/local"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".json"):
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()

"""Room on Python's own stack: under moto's deep calls CPython maps and unmaps memory thousands of times a request.

A thread's frames lie in chunks of 16 KB. A loop that calls across the end of a chunk gets a new one for every call and
gives it back at its return, two system calls each; where these are slow, a request takes six times as long. A frame
that is large by itself makes CPython take one chunk with room for everything below it.
"""

from collections.abc import Callable
from typing import Any

_NAMES = "=".join(f"v{number}" for number in range(20_000))
_made: dict[str, Any] = {}
exec(f"def with_room(work):\n if work is None:\n  {_NAMES}=0\n return work()", _made)  # noqa: S102

with_room: Callable[[Callable[[], Any]], Any] = _made["with_room"]

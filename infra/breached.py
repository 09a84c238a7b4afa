"""Make the list of leaked pass phrases that the portal refuses: `python -m infra.breached FILE… > breached.v1`.

Each file holds one pass phrase a line (UTF-8), such as a published list of the most common passwords; those of fewer
than 15 characters are left out, as they are refused anyway. The result goes to `passwords/breached.v1` in the keys
bucket.
"""

import sys
from collections.abc import Iterator

LEAST = 15


def long_enough(lines: Iterator[bytes]) -> Iterator[str]:
    """The lines that could be a password of the portal."""
    for line in lines:
        text = line.rstrip(b"\r\n").decode("utf-8", "replace")
        if len(text) >= LEAST:
            yield text


def main(names: list[str]) -> int:
    """Write the list of these files to standard output."""
    if not names:
        print(__doc__, file=sys.stderr)
        return 2
    from chalicelib.adapters.breached import packed

    found: set[str] = set()
    for name in names:
        with open(name, "rb") as file:
            found.update(long_enough(iter(file)))
    sys.stdout.buffer.write(packed(found))
    print(f"{len(found)} pass phrases", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Who may import whom, and who may ask the machine for anything (README, Map of the code): read from the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import cold

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
BASE = {"clock", "config", "errors", "ids", "lines", "observability"}
# What each layer may import of chalicelib, wherever in its code the import stands. Further down only, never up.
MAY_IMPORT = {
    "handlers": {"handlers", "services", "models", "adapters", "policies", "slots", "context", *BASE},
    "services": {"services", "models", "adapters", "policies", "forms", "ledger", "slots", "context", "money", *BASE},
    "models": {"models", "clock", "config", "errors"},
    "adapters": {"adapters", "clock", "config", "errors", "lines", "observability"},
    "context": {"policies"},
    "policies": {"policies"},
    "ids": {"clock"},
    "ledger": {"ledger"},
    "forms": {"forms"},
    "slots": {"slots"},
}
NOT_DEPLOYED = {"infra", "tests", "benchmarks", "boto3", "moto", "pytest", "hypothesis"}
WALL_CLOCK = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.gmtime",
    "time.localtime", "time.ctime", "time.strftime",
}  # fmt: skip
HEAVY = {"stripe", "reportlab", "pyhanko", "aiohttp", "aws_xray_sdk", "uharfbuzz"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _layer(path: Path) -> str:
    """The folder or, for a file at the top of chalicelib, the module."""
    parts = path.relative_to(ROOT / "chalicelib").parts
    return parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, those within functions and those for types among them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _uses(path: Path) -> Iterator[tuple[int, str]]:
    """(line, "a.b") of every attribute, and every name imported from time, datetime or os by its full name."""
    yield from _imports(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ".".join(ast.unparse(node).split(".")[-2:])


@pytest.mark.parametrize("path", FILES[1:], ids=_name)
def test_imports_go_one_way(path: Path) -> None:
    allowed = MAY_IMPORT.get(_layer(path), set())
    wrong = [
        f"{line}: {name}"
        for line, name in _imports(path)
        if name.startswith("chalicelib.") and name.split(".")[1] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("path", sorted((ROOT / "chalicelib" / "policies").glob("*.py")), ids=_name)
def test_policies_need_nothing_but_python(path: Path) -> None:
    foreign = [name for _, name in _imports(path) if name.split(".")[0] not in {*sys.stdlib_module_names, "chalicelib"}]
    assert not foreign


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_that_is_deployed_needs_what_is_not(path: Path) -> None:
    assert not [(line, name) for line, name in _imports(path) if name.split(".")[0] in NOT_DEPLOYED]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_clock_reads_the_time(path: Path) -> None:
    """So that whatever expires, waits or is due follows the clock that the levers move."""
    found = [f"{line}: {use}" for line, use in _uses(path) if use in WALL_CLOCK]
    if path.name == "clock.py":
        assert [use.partition(": ")[2] for use in found] == ["datetime.now"]
    else:
        assert not found


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    found = [use for _, use in _uses(path) if use in ("os.environ", "os.getenv", "os.environb", "os.putenv")]
    allowed = {"chalicelib/config.py", "chalicelib/__init__.py"}
    assert bool(found) == (_name(path) in allowed)


def test_the_api_starts_without_what_only_workers_need() -> None:
    """In a process of its own, as Lambda starts it."""
    assert set(cold.HEAVY) >= HEAVY
    assert cold.fresh("import app")["loaded"] == []

"""What a cold start of the API costs: `python -m benchmarks.cold`.

CPU of the whole process to import `app`, in fresh processes, in turn with importing json and botocore and making a
DynamoDB client: the least that any function on this table needs. The goal is 1.7 times that (DESIGN.md, Performance),
with the heavy libraries absent. When `make package` has made an archive for this machine's Python, `app` is imported
from it too, unpacked into a folder that cannot be written, as Lambda has it, with its byte code and (once) without.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

PROCESSES = 9
GOAL, PACKED_GOAL = 1.7, 1.05
ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "stripe", "reportlab", "pyhanko", "aiohttp", "aws_xray_sdk", "uharfbuzz", "argon2", "boto3", "cryptography",
    "requests", "fontTools",
)  # fmt: skip

_MEASURE = """
import json, resource, sys, time
began = time.process_time()
{work}
spent = time.process_time() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
loaded = sorted({heavy} & {{name.partition(".")[0] for name in sys.modules}})
print(json.dumps({{"cpu": spent * 1000, "mb": memory, "loaded": loaded, "modules": len(sys.modules)}}))
"""
FLOOR = (
    'import json, botocore.session\nbotocore.session.get_session().create_client("dynamodb", region_name="us-east-1")'
)
# The application makes its own client with the first read: the third row adds it.
APPLICATION = "import app\nfrom chalicelib.models.connection import client\nclient()"


def environment() -> dict[str, str]:
    """What a function is told, and nothing of this shell's Python."""
    from infra.package import PLACEHOLDERS

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    keys = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_REGION": "us-east-1"}
    return {**kept, **PLACEHOLDERS, **keys, "AWS_DEFAULT_REGION": "us-east-1"}


def fresh(work: str, folder: Path = ROOT, *options: str) -> dict[str, Any]:
    """One new process in `folder` that does `work`."""
    program = _MEASURE.format(work=work, heavy=set(HEAVY))
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compared(variants: dict[str, tuple[Any, ...]]) -> dict[str, list[dict[str, Any]]]:
    """The variants in turn, forwards and backwards, after one process each that is not counted."""
    for arguments in variants.values():
        fresh(*arguments)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
    for number in range(PROCESSES):
        for name in list(variants) if number % 2 else list(variants)[::-1]:
            runs[name].append(fresh(*variants[name]))
    return runs


def archive() -> Path | None:
    """The newest archive that `make package` made, if it fits this Python (its libraries are compiled for one)."""
    made = sorted((ROOT / ".build").glob("*/deployment.zip"), key=lambda path: path.stat().st_mtime)
    if not made or platform.machine() != "x86_64":
        return None
    tag = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    with zipfile.ZipFile(made[-1]) as packed:
        fits = any(tag in name and name.startswith("chalicelib/__pycache__") for name in packed.namelist())
    return made[-1] if fits else None


def main() -> int:
    """Prints the tables; 1 when a goal is missed."""
    runs = compared(
        {"json, botocore, client": (FLOOR,), "import app": ("import app",), "with its client": (APPLICATION,)}
    )
    print(f"{'import in a fresh process':40}{'CPU ms':>8}{'ratio':>7}{'MB':>6}{'modules':>9}")
    for name, results in runs.items():
        _line(name, results, runs["json, botocore, client"])
    loaded = sorted({name for result in runs["with its client"] for name in result["loaded"]})
    missed = _ratio(runs["import app"], runs["json, botocore, client"]) > GOAL or bool(loaded)
    print(f"goal: import app at most {GOAL} x floor; of {', '.join(HEAVY)} loaded: {', '.join(loaded) or 'none'}")
    package = archive()
    if package is None:
        print("no package for this Python in .build/: `make package` makes one")
        return int(missed)
    with tempfile.TemporaryDirectory() as temporary:
        missed |= _packed(package, Path(temporary))
    return int(missed)


def _packed(package: Path, folder: Path) -> bool:
    """The packaged application: as it is, with the byte code that a first run would write, and without any."""
    places = {name: folder / name for name in ("packed", "warm", "without byte code")}
    for place in places.values():
        with zipfile.ZipFile(package) as packed:
            packed.extractall(place)
    for name in ("warm", "without byte code"):
        for cache in places[name].rglob("__pycache__"):
            shutil.rmtree(cache)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(places["warm"])], check=False, capture_output=True)
    for place in (places["packed"], places["without byte code"]):
        subprocess.run(["chmod", "-R", "a-w", str(place)], check=True)
    isolated = ("-S", "-B")  # no site-packages but the package's own, and nothing written: root could
    work = "sys.path.insert(0, '.')\n" + APPLICATION
    runs = compared({name: (work, place, *isolated) for name, place in places.items()})
    print(f"\n{package.relative_to(ROOT)}, unpacked and read-only")
    for name, results in runs.items():
        _line(name, results, runs["warm"])
    print(f"goal: packed at most {PACKED_GOAL} x warm")
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
    return _ratio(runs["packed"], runs["warm"]) > PACKED_GOAL


def _ratio(results: list[dict[str, Any]], against: list[dict[str, Any]]) -> float:
    return statistics.median(one["cpu"] / other["cpu"] for one, other in zip(results, against, strict=True))


def _line(name: str, results: list[dict[str, Any]], against: list[dict[str, Any]]) -> None:
    cpu, memory, modules = (statistics.median(each[what] for each in results) for what in ("cpu", "mb", "modules"))
    print(f"{name:40}{cpu:>8.0f}{_ratio(results, against):>7.2f}{memory:>6.0f}{modules:>9.0f}")


if __name__ == "__main__":
    sys.exit(main())

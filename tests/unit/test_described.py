"""What is printed from the code is up to date in the repository."""

import subprocess
from pathlib import Path

import pytest

from infra import describe

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", describe.described(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_printed_files_are_up_to_date(path: Path) -> None:
    assert path.read_text() == describe.described()[path], "run `make describe`"


def test_the_front_ends_types_are_made_from_the_description(tmp_path: Path) -> None:
    made = tmp_path / "api.d.ts"
    command = ["npx", "openapi-typescript", "./openapi.json", "--default-non-nullable=false", "-o", str(made)]
    subprocess.run(command, cwd=ROOT / "frontend", check=True, capture_output=True, timeout=120)
    assert made.read_text() == (ROOT / "frontend/src/api.d.ts").read_text(), "run `make describe`"

"""What is printed from the code is up to date in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

from chalicelib.services import appointment_letters, letters
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


def test_the_list_of_a_clients_mails_says_what_each_was() -> None:
    """Every template that a client is mailed; those of staff and of addresses without a file have no word in it."""
    strings = (ROOT / "frontend/src/strings/staff.ts").read_text()
    start = strings.index("kind: {", strings.index("  mails: {"))
    named = set(re.findall(r"(\w+): '", strings[start : strings.index("}", start)]))
    others = {
        letters.PACKET_COMPLETED, letters.RENEWAL_ASKED, letters.SIGN_UP_WAITING, letters.STAFF_INVITATION,
        letters.SECOND_FACTOR, letters.SIGN_UP, letters.SIGN_UP_REJECTED, letters.THREAD_OPENED,
    }  # fmt: skip
    assert named == {*letters.COMPOSERS, *appointment_letters.COMPOSERS} - others

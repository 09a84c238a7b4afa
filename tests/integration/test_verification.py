"""Filed documents whose stored bytes are damaged: the check says so, and is never merely busy (DOMAIN.md 4.5)."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import cloud, state
from tests import flows
from tests.calls import PEOPLE, Answer, Caller

CLIENT = f"/practice/clients/{PEOPLE['C1'].id}"


@pytest.fixture
def document_id(call: Callable[..., Caller]) -> str:
    """A form that C1 signed, sealed and filed."""
    _, made = flows.signed_document(call("C1"), "C1")
    call().drain()
    return made


def _stored(document_id: str) -> Any:
    """The object as moto holds it. Setting its value leaves checksum and ETag as they were, as rot does."""
    (record,) = [each for each in flows.stored("document") if each["document_id"] == document_id]
    keys = state.backend("s3").buckets[f"{cloud.PREFIX}-documents"].keys.getlist(record["object_key"])
    (found,) = [key for key in keys if key.version_id == record["object_version"]]
    return found


def _verified(call: Callable[..., Caller], document_id: str) -> Answer:
    return call("T1").get(f"{CLIENT}/documents/{document_id}/verification")


def test_what_was_filed_is_intact(call: Callable[..., Caller], document_id: str) -> None:
    answer = _verified(call, document_id)
    assert answer.status == 200, answer
    assert (answer.json["intact"], answer.json["matches_record"], answer.json["reason"]) == (True, True, None)
    assert answer.json["sha256"] == hashlib.sha256(_stored(document_id).value).hexdigest()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda pdf: pdf[:900] + bytes([pdf[900] ^ 1]) + pdf[901:], "changed"),
        (lambda pdf: pdf[:-1] + bytes([pdf[-1] ^ 1]), "changed"),
        (lambda pdf: pdf + b"\n", "changed"),
        (lambda pdf: pdf[: len(pdf) // 2], None),
        (lambda pdf: b"", "not_a_pdf"),
        (lambda pdf: b"\0" * len(pdf), "not_a_pdf"),
    ],
    ids=["one bit", "the last bit", "one more byte", "half", "nothing", "zeroes"],
)
def test_damaged_bytes_are_not_intact(
    damage: Callable[[bytes], bytes], reason: str | None, call: Callable[..., Caller], document_id: str
) -> None:
    """S3's own checksum no longer fits such bytes: the answer was 503, "busy", for ever."""
    stored = _stored(document_id)
    assert stored.checksum_value, "without S3's checksum this test shows nothing"
    stored.value = damage(stored.value)
    answer = _verified(call, document_id)
    assert answer.status == 200, answer
    assert (answer.json["intact"], answer.json["matches_record"]) == (False, False)
    assert answer.json["reason"] == reason if reason else answer.json["reason"] in ("changed", "not_sealed")
    assert answer.json["sha256"] == hashlib.sha256(stored.value).hexdigest()


def test_a_sealed_document_in_anothers_place_is_not_what_was_filed(
    call: Callable[..., Caller], document_id: str
) -> None:
    """Intact as a file, but another one: swapped under its record."""
    _, other = flows.signed_document(call("C1"), "C1")
    call().drain()
    _stored(document_id).value = _stored(other).value
    answer = _verified(call, document_id)
    assert (answer.json["intact"], answer.json["matches_record"]) == (True, False)


def test_the_client_gets_the_damaged_bytes_and_the_public_check_says_so(
    call: Callable[..., Caller], document_id: str
) -> None:
    stored = _stored(document_id)
    stored.value = stored.value[:-9] + b"\0" * 9
    client = call("C1")
    link = client.post(f"/portal/documents/{document_id}/download").json["url"]
    got = client.send("GET", "/" + link.split("/", 3)[3], None, {"Host": link.split("/")[2]})
    assert (got.status, got.body) == (200, stored.value)
    verdict = call().post("/verification", got.body, content_type="application/pdf").json
    assert (verdict["intact"], verdict["reason"]) == (False, "changed")


@pytest.mark.parametrize("gone", ["the version", "the whole object"])
def test_a_file_that_is_not_there_is_said_to_be_so_and_somebody_is_told(
    gone: str, call: Callable[..., Caller], document_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It was a defect: 500, and a line in the log that said where in the code and not which file."""
    record = next(each for each in flows.stored("document") if each["document_id"] == document_id)
    keys = state.backend("s3").buckets[f"{cloud.PREFIX}-documents"].keys
    if gone == "the version":
        stored = _stored(document_id)
        stored._version_id = stored._version_id[::-1]
    else:
        keys.pop(record["object_key"])
    packet = call("T1").post(f"{CLIENT}/intakes/{record['intake_id']}/download")
    for answer in (_verified(call, document_id), packet):
        assert (answer.status, answer.code) == (503, "document_unreachable")
    told = [each for each in caplog.records if each.getMessage() == "document_unreachable"]
    assert [(each.levelname, vars(each)["place"]) for each in told] == [("ERROR", record["object_key"])] * 2
    assert "defect" not in caplog.messages
